#include "runtime/plan/codec.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "runtime/base/type.h"
#include "runtime/plan/limits.h"
#include "runtime/plan/plan_generated.h"

namespace memopt {
namespace {

constexpr std::array kStorages = {Storage::kArena, Storage::kConstant, Storage::kCaller,
                                  Storage::kState};
constexpr std::array kBoundKinds = {BoundKind::kFixedOrder, BoundKind::kAllOrders};

// --- encoding ---

class Encoder {
 public:
  std::vector<std::byte> run(const Plan& plan) {
    std::vector<flatbuffers::Offset<flatbuffers::String>> options;
    for (const std::string& option : plan.options) options.push_back(text(option));
    std::vector<flatbuffers::Offset<fb::Value>> values;
    for (const PlanValue& value : plan.values) values.push_back(encode(value));
    std::vector<flatbuffers::Offset<fb::Instruction>> instructions;
    for (const PlanInstruction& instruction : plan.instructions) {
      instructions.push_back(encode(instruction));
    }
    std::vector<flatbuffers::Offset<fb::State>> states;
    for (const PlanState& state : plan.states) {
      states.push_back(fb::CreateState(builder_, state.before, state.after,
                                       state.initial ? *state.initial + 1 : 0));
    }
    const PlanCertificate& certificate = plan.certificate;
    const auto certificate_offset =
        fb::CreateCertificate(builder_, certificate.naive_bytes, certificate.lower_bound_bytes,
                              text(bound_kind_name(certificate.kind)), text(certificate.method));
    builder_.Finish(fb::CreatePlan(
        builder_, text(plan.producer), text(plan.model_name), text(to_string(plan.target)),
        builder_.CreateVector(options), builder_.CreateVector(values),
        builder_.CreateVector(instructions), builder_.CreateVector(plan.inputs),
        builder_.CreateVector(plan.outputs), plan.arena_bytes, plan.arena_alignment,
        plan.constants_bytes, plan.state_bytes, certificate_offset, builder_.CreateVector(states)));
    const auto* const begin = reinterpret_cast<const std::byte*>(builder_.GetBufferPointer());
    return {begin, begin + builder_.GetSize()};
  }

 private:
  flatbuffers::Offset<flatbuffers::String> text(std::string_view value) {
    return builder_.CreateSharedString(value.data(), value.size());
  }
  flatbuffers::Offset<flatbuffers::Vector<int64_t>> list(const Dims& dims) {
    return builder_.CreateVector(dims.begin(), static_cast<size_t>(dims.size()));
  }
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> operands(
      const std::vector<std::optional<uint32_t>>& list) {
    std::vector<uint32_t> numbers;
    numbers.reserve(list.size());
    for (const std::optional<uint32_t>& value : list) numbers.push_back(value ? *value + 1 : 0);
    return builder_.CreateVector(numbers);
  }

  flatbuffers::Offset<fb::Value> encode(const PlanValue& value) {
    flatbuffers::Offset<fb::Alias> alias;
    if (value.alias) {
      alias = fb::CreateAlias(builder_, value.alias->parent, value.alias->whole,
                              list(value.alias->starts));
    }
    const auto name = text(value.name);
    const auto dtype = text(dtype_name(value.dtype));
    const auto layout = text(layout_name(value.layout));
    const auto storage = text(storage_name(value.storage));
    const auto dims = list(value.dims);
    const auto strides = list(value.strides);
    return fb::CreateValue(builder_, name, dtype, layout, storage, dims, strides,
                           value.offset_bytes, value.bytes, alias);
  }

  flatbuffers::Offset<fb::Attr> encode(const Attr& attr) {
    flatbuffers::Offset<flatbuffers::String> string;
    flatbuffers::Offset<flatbuffers::Vector<int64_t>> integers;
    flatbuffers::Offset<flatbuffers::Vector<double>> reals;
    if (const auto* value = std::get_if<std::string>(&attr.value)) string = text(*value);
    if (const auto* value = std::get_if<std::vector<int64_t>>(&attr.value)) {
      integers = builder_.CreateVector(*value);
    }
    if (const auto* value = std::get_if<std::vector<double>>(&attr.value)) {
      reals = builder_.CreateVector(*value);
    }
    const auto name = text(attr.name);
    fb::AttrBuilder builder(builder_);
    builder.add_name(name);
    // The alternatives of AttrValue are in the order of fb::AttrKind.
    builder.add_kind(static_cast<fb::AttrKind>(attr.value.index()));
    if (const auto* value = std::get_if<int64_t>(&attr.value)) builder.add_integer(*value);
    if (const auto* value = std::get_if<double>(&attr.value)) builder.add_real(*value);
    builder.add_text(string);
    builder.add_integers(integers);
    builder.add_reals(reals);
    return builder.Finish();
  }

  flatbuffers::Offset<fb::Instruction> encode(const PlanInstruction& instruction) {
    std::vector<flatbuffers::Offset<fb::Attr>> attrs;
    for (const Attr& attr : op_attrs(instruction.op)) attrs.push_back(encode(attr));
    const auto op = text(op_name(instruction.op));
    const auto attr_list = builder_.CreateVector(attrs);
    const auto kernel = text(instruction.kernel);
    const auto inputs = operands(instruction.inputs);
    const auto outputs = operands(instruction.outputs);
    const auto name = text(instruction.name);
    return fb::CreateInstruction(builder_, op, attr_list, kernel, inputs, outputs,
                                 instruction.scratch_offset_bytes, instruction.scratch_bytes, name);
  }

  flatbuffers::FlatBufferBuilder builder_;
};

// --- decoding ---

Error unknown(std::string_view what, std::string_view name) {
  constexpr size_t kShown = 64;
  return bad_input("unknown " + std::string(what) + " '" + std::string(name.substr(0, kShown)) +
                   "'");
}

template <typename E, size_t kCount>
std::optional<E> parse_name(const std::array<E, kCount>& all, std::string_view (*name_of)(E),
                            std::string_view name) {
  for (const E candidate : all) {
    if (name_of(candidate) == name) return candidate;
  }
  return std::nullopt;
}

// Many tables of a FlatBuffer may refer to one string, list or table, and each has a copy of it in
// the plan. So everything that is copied is counted, and a section may not become much more than it
// is: it would take memory and time without bounds.
class DecodeAccount {
 public:
  explicit DecodeAccount(size_t metadata_bytes)
      : left_(kDecodedPerMetadataByte * metadata_bytes + kDecodedBytes) {}

  Status take(size_t count, size_t bytes) {
    if (count > left_ / std::max<size_t>(bytes, 1)) {
      return bad_input("what the metadata share makes the plan more than " +
                       std::to_string(kDecodedPerMetadataByte) + " times as large as they are");
    }
    left_ -= count * bytes;
    return {};
  }

 private:
  size_t left_;
};

// Of a section that FlatBuffers' verifier has accepted: what plan.fbs requires is there.
class Decoder {
 public:
  explicit Decoder(size_t metadata_bytes) : account_(metadata_bytes) {}

  Result<Plan> run(const fb::Plan& table) {
    Plan plan;
    MEMOPT_ASSIGN_OR_RETURN(plan.producer, decode(table.producer()));
    MEMOPT_ASSIGN_OR_RETURN(plan.model_name, decode(table.model_name()));
    const std::optional<Target> target = parse_target(table.target()->string_view());
    if (!target) return unknown("target", table.target()->string_view());
    plan.target = *target;
    MEMOPT_RETURN_IF_ERROR(account_.take(table.options()->size(), sizeof(std::string)));
    plan.options.reserve(table.options()->size());
    for (const flatbuffers::String* option : *table.options()) {
      MEMOPT_ASSIGN_OR_RETURN(std::string text, decode(option));
      plan.options.push_back(std::move(text));
    }
    MEMOPT_RETURN_IF_ERROR(decode_values(table, plan));
    MEMOPT_RETURN_IF_ERROR(decode_instructions(table, plan));
    MEMOPT_ASSIGN_OR_RETURN(plan.inputs, decode_indices(table.inputs()));
    MEMOPT_ASSIGN_OR_RETURN(plan.outputs, decode_indices(table.outputs()));
    MEMOPT_ASSIGN_OR_RETURN(plan.states, decode_states(table.states()));
    plan.arena_bytes = table.arena_bytes();
    plan.arena_alignment = table.arena_alignment();
    plan.constants_bytes = table.constants_bytes();
    plan.state_bytes = table.state_bytes();
    MEMOPT_ASSIGN_OR_RETURN(plan.certificate, decode(*table.certificate()));
    return plan;
  }

 private:
  Status decode_values(const fb::Plan& table, Plan& plan) {
    values_ = table.values()->size();
    if (values_ > kMaxPlanValues) return too_many("values", kMaxPlanValues);
    MEMOPT_RETURN_IF_ERROR(account_.take(values_, sizeof(PlanValue)));
    plan.values.reserve(values_);
    for (const fb::Value* value : *table.values()) {
      Result<PlanValue> decoded = decode(*value);
      if (!decoded.ok()) {
        return in_context("value " + std::to_string(plan.values.size()), decoded.error());
      }
      plan.values.push_back(*std::move(decoded));
    }
    return {};
  }

  Status decode_instructions(const fb::Plan& table, Plan& plan) {
    const size_t count = table.instructions()->size();
    if (count > kMaxPlanInstructions) return too_many("instructions", kMaxPlanInstructions);
    MEMOPT_RETURN_IF_ERROR(account_.take(count, sizeof(PlanInstruction)));
    plan.instructions.reserve(count);
    for (const fb::Instruction* instruction : *table.instructions()) {
      Result<PlanInstruction> decoded = decode(*instruction);
      if (!decoded.ok()) {
        return in_context("instruction " + std::to_string(plan.instructions.size()),
                          decoded.error());
      }
      plan.instructions.push_back(*std::move(decoded));
    }
    return {};
  }

  static Error too_many(const std::string& what, size_t limit) {
    return bad_input("more than " + std::to_string(limit) + ' ' + what);
  }

  Result<std::string> decode(const flatbuffers::String* text) {
    if (!text) return std::string();
    if (text->size() > kMaxPlanStringBytes) return bad_input("a string is longer than 64 KiB");
    MEMOPT_RETURN_IF_ERROR(account_.take(text->size(), 1));
    return text->str();
  }

  // FlatBuffers' verifier does not check that the elements of a vector are aligned, so they are not
  // read in place.
  template <typename T>
  Result<std::vector<T>> copy(const flatbuffers::Vector<T>* list) {
    if (!list) return std::vector<T>();
    MEMOPT_RETURN_IF_ERROR(account_.take(list->size(), sizeof(T)));
    std::vector<T> elements(list->size());
    std::copy_n(list->Data(), elements.size() * sizeof(T),
                reinterpret_cast<uint8_t*>(elements.data()));
    return elements;
  }

  Result<Dims> decode(const flatbuffers::Vector<int64_t>* list) {
    Dims dims;
    if (!list) return dims;
    if (list->size() > kMaxRank) {
      return bad_input("rank " + std::to_string(list->size()) + ", the limit is " +
                       std::to_string(kMaxRank));
    }
    std::array<int64_t, kMaxRank> elements{};
    std::memcpy(elements.data(), list->Data(), list->size() * sizeof(int64_t));
    for (size_t i = 0; i < list->size(); ++i) dims.push_back(elements[i]);
    return dims;
  }

  Result<std::vector<uint32_t>> decode_indices(const flatbuffers::Vector<uint32_t>* list) {
    MEMOPT_ASSIGN_OR_RETURN(std::vector<uint32_t> indices, copy(list));
    for (const uint32_t index : indices) {
      if (index >= values_) return bad_input("no value " + std::to_string(index));
    }
    return indices;
  }

  Result<std::vector<PlanState>> decode_states(
      const flatbuffers::Vector<flatbuffers::Offset<fb::State>>* list) {
    std::vector<PlanState> states;
    if (!list) return states;
    MEMOPT_RETURN_IF_ERROR(account_.take(list->size(), sizeof(PlanState)));
    states.reserve(list->size());
    for (const fb::State* state : *list) {
      for (const uint32_t index : {state->before(), state->after()}) {
        if (index >= values_) return bad_input("no value " + std::to_string(index));
      }
      const uint32_t initial = state->initial();
      if (initial > values_) return bad_input("no value " + std::to_string(initial - 1));
      states.push_back({.before = state->before(),
                        .after = state->after(),
                        .initial = initial == 0 ? std::nullopt : std::optional(initial - 1)});
    }
    return states;
  }

  Result<PlanValue> decode(const fb::Value& table) {
    PlanValue value;
    MEMOPT_ASSIGN_OR_RETURN(value.name, decode(table.name()));
    const std::optional<DType> dtype = parse_dtype(table.dtype()->string_view());
    if (!dtype) return unknown("element type", table.dtype()->string_view());
    value.dtype = *dtype;
    const std::optional<Layout> layout = parse_layout(table.layout()->string_view());
    if (!layout) return unknown("layout", table.layout()->string_view());
    value.layout = *layout;
    const std::optional<Storage> storage =
        parse_name(kStorages, storage_name, table.storage()->string_view());
    if (!storage) return unknown("storage", table.storage()->string_view());
    value.storage = *storage;
    MEMOPT_ASSIGN_OR_RETURN(value.dims, decode(table.dims()));
    MEMOPT_ASSIGN_OR_RETURN(value.strides, decode(table.strides()));
    value.offset_bytes = table.offset_bytes();
    value.bytes = table.bytes();
    if (const fb::Alias* alias = table.alias()) {
      if (alias->parent() >= values_) {
        return bad_input("no value " + std::to_string(alias->parent()));
      }
      value.alias = PlanAlias{alias->parent(), alias->whole(), {}};
      MEMOPT_ASSIGN_OR_RETURN(value.alias->starts, decode(alias->starts()));
    }
    return value;
  }

  Result<Attr> decode(const fb::Attr& table) {
    Attr attr;
    MEMOPT_RETURN_IF_ERROR(account_.take(1, sizeof(Attr)));
    MEMOPT_ASSIGN_OR_RETURN(attr.name, decode(table.name()));
    switch (table.kind()) {
      case fb::AttrKind::Integer:
        attr.value = table.integer();
        return attr;
      case fb::AttrKind::Real:
        attr.value = table.real();
        return attr;
      case fb::AttrKind::Text: {
        MEMOPT_ASSIGN_OR_RETURN(attr.value, decode(table.text()));
        return attr;
      }
      case fb::AttrKind::Integers: {
        MEMOPT_ASSIGN_OR_RETURN(attr.value, copy(table.integers()));
        return attr;
      }
      case fb::AttrKind::Reals: {
        MEMOPT_ASSIGN_OR_RETURN(attr.value, copy(table.reals()));
        return attr;
      }
    }
    return bad_input("attribute '" + attr.name + "' of an unknown kind");
  }

  Result<Op> decode_op(const fb::Instruction& table) {
    std::vector<Attr> attrs;
    if (table.attrs()) {
      if (table.attrs()->size() > kMaxPlanAttrs) return too_many("attributes", kMaxPlanAttrs);
      for (const fb::Attr* attr : *table.attrs()) {
        MEMOPT_ASSIGN_OR_RETURN(Attr decoded, decode(*attr));
        attrs.push_back(std::move(decoded));
      }
    }
    return make_op(table.op()->string_view().substr(0, kMaxPlanStringBytes), attrs);
  }

  Result<std::vector<std::optional<uint32_t>>> decode_operands(
      const flatbuffers::Vector<uint32_t>* list) {
    using Operand = std::optional<uint32_t>;
    std::vector<Operand> operands;
    if (!list) return operands;
    if (list->size() > kMaxPlanOperands) return too_many("operands", kMaxPlanOperands);
    MEMOPT_RETURN_IF_ERROR(account_.take(list->size(), sizeof(Operand)));
    MEMOPT_ASSIGN_OR_RETURN(const std::vector<uint32_t> numbers, copy(list));
    operands.reserve(numbers.size());
    for (const uint32_t number : numbers) {
      if (number > values_) return bad_input("no value " + std::to_string(number - 1));
      operands.push_back(number == 0 ? Operand() : Operand(number - 1));
    }
    return operands;
  }

  Result<PlanInstruction> decode(const fb::Instruction& table) {
    PlanInstruction instruction;
    MEMOPT_ASSIGN_OR_RETURN(instruction.name, decode(table.name()));
    MEMOPT_ASSIGN_OR_RETURN(instruction.kernel, decode(table.kernel()));
    MEMOPT_ASSIGN_OR_RETURN(instruction.op, decode_op(table));
    MEMOPT_ASSIGN_OR_RETURN(instruction.inputs, decode_operands(table.inputs()));
    MEMOPT_ASSIGN_OR_RETURN(instruction.outputs, decode_operands(table.outputs()));
    instruction.scratch_offset_bytes = table.scratch_offset_bytes();
    instruction.scratch_bytes = table.scratch_bytes();
    return instruction;
  }

  Result<PlanCertificate> decode(const fb::Certificate& table) {
    PlanCertificate certificate;
    certificate.naive_bytes = table.naive_bytes();
    certificate.lower_bound_bytes = table.lower_bound_bytes();
    const std::optional<BoundKind> kind =
        parse_name(kBoundKinds, bound_kind_name, table.kind()->string_view());
    if (!kind) return unknown("kind of bound", table.kind()->string_view());
    certificate.kind = *kind;
    MEMOPT_ASSIGN_OR_RETURN(certificate.method, decode(table.method()));
    return certificate;
  }

  DecodeAccount account_;
  size_t values_ = 0;
};

}  // namespace

std::vector<std::byte> encode_plan(const Plan& plan) { return Encoder().run(plan); }

Result<Plan> decode_plan(std::span<const std::byte> bytes) {
  const auto* const data = reinterpret_cast<const uint8_t*>(bytes.data());
  constexpr flatbuffers::uoffset_t kMaxDepth = 8;  // plan, instruction, attribute, and to spare
  // A table takes eight bytes and is not shared; what visits more repeats itself.
  const auto most_tables = static_cast<flatbuffers::uoffset_t>(bytes.size() / 8);
  flatbuffers::Verifier verifier(data, bytes.size(), kMaxDepth, most_tables);
  if (!fb::VerifyPlanBuffer(verifier)) return bad_input("the metadata is malformed");
  return Decoder(bytes.size()).run(*fb::GetPlan(data));
}

}  // namespace memopt
