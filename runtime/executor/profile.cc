#include "runtime/executor/profile.h"

#include <algorithm>
#include <cstdio>

#include "runtime/base/printable.h"
#include "runtime/base/type.h"
#include "runtime/plan/liveness.h"

namespace memopt {
namespace {

// A JSON string; what is not printable in a name is not in a trace either.
std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return '"' + out + '"';
}

std::string microseconds(int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof(text), "%lld.%03lld", static_cast<long long>(ns / 1000),
                static_cast<long long>(ns % 1000));
  return text;
}

std::string operands(const Plan& plan, const std::vector<std::optional<uint32_t>>& list) {
  std::string out;
  for (const std::optional<uint32_t>& index : list) {
    if (!index) continue;
    const PlanValue& value = plan.values[*index];
    if (!out.empty()) out += ", ";
    out += value.name + ' ' + to_string(TensorType{value.dtype, value.dims, value.layout});
  }
  return quoted(out);
}

std::string counter(int64_t at_ns, int64_t bytes) {
  return R"({"ph":"C","pid":1,"name":"arena bytes in use","ts":)" + microseconds(at_ns) +
         R"(,"args":{"bytes":)" + std::to_string(bytes) + "}},\n";
}

}  // namespace

std::string to_trace(const Plan& plan, const Profile& profile) {
  std::string out = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  out += R"({"ph":"M","pid":1,"name":"process_name","args":{"name":)" +
         quoted("memopt " + plan.model_name) + "}},\n";
  const std::vector<int64_t> in_use = live_bytes(plan);
  int64_t end_ns = 0;
  for (size_t i = 0; i < plan.instructions.size(); ++i) {
    const PlanInstruction& instruction = plan.instructions[i];
    const StepTime& time = profile.steps[i];
    const std::string name = instruction.name.empty() ? op_label(instruction.op) : instruction.name;
    out += counter(time.begin_ns, in_use[i]);
    out += R"({"ph":"X","pid":1,"tid":1,"name":)" + quoted(name) + R"(,"cat":)" +
           quoted(op_label(instruction.op)) + R"(,"ts":)" + microseconds(time.begin_ns) +
           R"(,"dur":)" + microseconds(time.end_ns - time.begin_ns) + R"(,"args":{"step":)" +
           std::to_string(i) + R"(,"kernel":)" + quoted(instruction.kernel) + R"(,"inputs":)" +
           operands(plan, instruction.inputs) + R"(,"outputs":)" +
           operands(plan, instruction.outputs) + R"(,"scratch_bytes":)" +
           std::to_string(instruction.scratch_bytes) + R"(,"arena_bytes_in_use":)" +
           std::to_string(in_use[i]) + R"(,"mean_us":)" +
           microseconds(time.total_ns / std::max<int64_t>(profile.runs, 1)) + "}},\n";
    end_ns = time.end_ns;
  }
  std::string last = counter(end_ns, 0);
  last.erase(last.size() - 2);  // the last event has no comma
  return out + last + "\n]}\n";
}

}  // namespace memopt
