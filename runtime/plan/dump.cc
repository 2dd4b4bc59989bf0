#include <string>

#include "runtime/base/printable.h"
#include "runtime/base/type.h"
#include "runtime/plan/plan.h"

namespace memopt {
namespace {

// In double quotes, with control characters and quotes escaped: names come from files.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return '"' + printable(out) + '"';
}

std::string list(const Dims& dims) {
  std::string out = "(";
  for (const int64_t dim : dims) out += (out.size() > 1 ? "," : "") + std::to_string(dim);
  return out + ')';
}

std::string to_text(int64_t value) { return std::to_string(value); }
std::string to_text(double value) { return to_string_exact(value); }
std::string to_text(const std::string& value) { return value; }
template <typename T>
std::string to_text(const std::vector<T>& values) {
  std::string out = "[";
  for (const T& value : values) out += (out.size() > 1 ? "," : "") + to_text(value);
  return out + ']';
}

std::string attrs_of(const Op& op) {
  std::string out = "{";
  for (const Attr& attr : op_attrs(op)) {
    if (out.size() > 1) out += ", ";
    out += attr.name + '=' + std::visit([](const auto& v) { return to_text(v); }, attr.value);
  }
  return out + '}';
}

std::string operands(const std::vector<std::optional<uint32_t>>& list) {
  std::string out = "(";
  for (const std::optional<uint32_t>& value : list) {
    if (out.size() > 1) out += ", ";
    out += value ? '%' + std::to_string(*value) : std::string("none");
  }
  return out + ')';
}

std::string line_of(const PlanValue& value) {
  std::string out = quoted(value.name) + ' ' +
                    to_string(TensorType{value.dtype, value.dims, value.layout}) + " strides " +
                    list(value.strides) + ' ' + std::string(storage_name(value.storage)) + " at " +
                    std::to_string(value.offset_bytes) + " bytes " + std::to_string(value.bytes);
  if (!value.alias) return out;
  out += value.alias->whole ? " whole of %" : " box of %";
  out += std::to_string(value.alias->parent);
  if (!value.alias->whole) out += " from " + list(value.alias->starts);
  return out;
}

}  // namespace

std::string dump_plan(const Plan& plan) {
  const PlanCertificate& certificate = plan.certificate;
  std::string out = "plan " + quoted(plan.model_name) + " by " + quoted(plan.producer) + " for " +
                    to_string(plan.target) + '\n';
  for (const std::string& option : plan.options) out += "option " + quoted(option) + '\n';
  out += "arena " + std::to_string(plan.arena_bytes) + " bytes, aligned to " +
         std::to_string(plan.arena_alignment) + '\n';
  out += "constants " + std::to_string(plan.constants_bytes) + " bytes\n";
  out += "state " + std::to_string(plan.state_bytes) + " bytes\n";
  out += "certificate naive " + std::to_string(certificate.naive_bytes) + ", lower bound " +
         std::to_string(certificate.lower_bound_bytes) + ' ' +
         std::string(bound_kind_name(certificate.kind)) + " by " + quoted(certificate.method) +
         '\n';
  for (size_t i = 0; i < plan.values.size(); ++i) {
    out += "value %" + std::to_string(i) + ' ' + line_of(plan.values[i]) + '\n';
  }
  for (const uint32_t i : plan.inputs) out += "input %" + std::to_string(i) + '\n';
  for (const PlanState& state : plan.states) {
    out += "state %" + std::to_string(state.before) + " to %" + std::to_string(state.after);
    if (state.initial) out += " from %" + std::to_string(*state.initial);
    out += '\n';
  }
  for (const PlanInstruction& instruction : plan.instructions) {
    out += "run " + operands(instruction.outputs) + " = " + std::string(op_name(instruction.op)) +
           attrs_of(instruction.op) + operands(instruction.inputs) + " with " +
           quoted(instruction.kernel);
    if (instruction.scratch_bytes > 0) {
      out += " scratch " + std::to_string(instruction.scratch_bytes) + " bytes at " +
             std::to_string(instruction.scratch_offset_bytes);
    }
    out += " for " + quoted(instruction.name) + '\n';
  }
  for (const uint32_t i : plan.outputs) out += "output %" + std::to_string(i) + '\n';
  return out;
}

}  // namespace memopt
