#include "compiler/onnx/node_context.h"

#include <algorithm>
#include <cstring>

#include "runtime/base/checked.h"
#include "runtime/kernels/element.h"

namespace memopt {
namespace {

// Elements in aligned memory, which mapped constants need not have.
std::vector<std::byte> aligned_copy(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

}  // namespace

std::optional<std::vector<int64_t>> ints_of(const TensorType& type,
                                            std::span<const std::byte> bytes) {
  if (!is_integer(type.dtype) && type.dtype != DType::kBool) return std::nullopt;
  const std::vector<std::byte> data = aligned_copy(bytes);
  std::vector<int64_t> values;
  for (int64_t i = 0; i < type.count(); ++i) {
    values.push_back(load_int(type.dtype, data.data(), i));
  }
  return values;
}

std::optional<std::vector<double>> floats_of(const TensorType& type,
                                             std::span<const std::byte> bytes) {
  if (type.dtype == DType::kC64 || type.dtype == DType::kC128) return std::nullopt;
  const std::vector<std::byte> data = aligned_copy(bytes);
  std::vector<double> values;
  for (int64_t i = 0; i < type.count(); ++i) {
    values.push_back(load_double(type.dtype, data.data(), i));
  }
  return values;
}

// --- operands ---

Result<std::vector<int64_t>> NodeContext::constant_ints(int i, std::string_view what) {
  return constant_elements<int64_t>(i, what);
}

Result<std::vector<double>> NodeContext::constant_floats(int i, std::string_view what) {
  return constant_elements<double>(i, what);
}

template <typename T>
Result<std::vector<T>> NodeContext::constant_elements(int i, std::string_view what) {
  const std::string operand = "operand " + std::to_string(i) + " (" + std::string(what) + ")";
  if (!has(i)) return error(operand + " is missing");
  const Graph& graph = builder().graph();
  if (!graph.is_constant(in(i))) {
    const std::vector<std::string> origins = builder().origins(in(i), 4);
    return error(operand + " '" + graph.value(in(i)).name + "' is not known at compile time" +
                 (origins.empty() ? ""
                                  : "; it depends on " + quoted_list(origins) +
                                        "; --bind NAME=@file fixes an input's value"));
  }
  const Value& value = graph.value(in(i));
  if (value.type.dims.rank() > 1) {
    return error(operand + ": needed a list or scalar, found " + to_string(value.type));
  }
  // A list of shapes, axes or scales: what is longer cannot be meant.
  constexpr int64_t kMaxElements = 1 << 20;
  if (value.type.count() > kMaxElements) {
    return error(operand + ": at most " + std::to_string(kMaxElements) + " elements, found " +
                 to_string(value.type));
  }
  std::optional<std::vector<T>> elements;
  if constexpr (std::is_same_v<T, int64_t>) {
    elements = ints_of(value.type, value.data->bytes());
  } else {
    elements = floats_of(value.type, value.data->bytes());
  }
  if (!elements) return error(operand + ": unexpected element type " + to_string(value.type));
  return *std::move(elements);
}

Result<int64_t> NodeContext::constant_int(int i, std::string_view what) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> values, constant_ints(i, what));
  if (values.size() != 1) return error("operand '" + std::string(what) + "' needs one element");
  return values[0];
}

Result<double> NodeContext::constant_float(int i, std::string_view what) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<double> values, constant_floats(i, what));
  if (values.size() != 1) return error("operand '" + std::string(what) + "' needs one element");
  return values[0];
}

// --- attributes ---

const onnx::AttributeProto* NodeContext::attribute(std::string_view name) const {
  for (const onnx::AttributeProto& attribute : node_.attribute()) {
    if (attribute.name() != name) continue;
    if (attribute.ref_attr_name().empty()) return &attribute;
    const auto found = scope_.call_attributes.find(attribute.ref_attr_name());
    return found == scope_.call_attributes.end() ? nullptr : found->second;
  }
  return nullptr;
}

const onnx::AttributeProto* NodeContext::typed_attribute(std::string_view name,
                                                         onnx::AttributeProto::AttributeType type) {
  const onnx::AttributeProto* found = attribute(name);
  if (found == nullptr || found->type() == type) return found;
  report("attribute '" + std::string(name) + "' has type " +
         onnx::AttributeProto::AttributeType_Name(found->type()) + ", needed " +
         onnx::AttributeProto::AttributeType_Name(type));
  return nullptr;
}

int64_t NodeContext::attr_int(std::string_view name, int64_t missing) {
  const auto* found = typed_attribute(name, onnx::AttributeProto::INT);
  return found ? found->i() : missing;
}

double NodeContext::attr_float(std::string_view name, double missing) {
  const auto* found = typed_attribute(name, onnx::AttributeProto::FLOAT);
  return found ? found->f() : missing;
}

std::string NodeContext::attr_string(std::string_view name, std::string_view missing) {
  const auto* found = typed_attribute(name, onnx::AttributeProto::STRING);
  return found ? found->s() : std::string(missing);
}

std::vector<int64_t> NodeContext::attr_ints(std::string_view name, std::vector<int64_t> missing) {
  const auto* found = typed_attribute(name, onnx::AttributeProto::INTS);
  if (!found) return missing;
  return {found->ints().begin(), found->ints().end()};
}

std::vector<double> NodeContext::attr_floats(std::string_view name, std::vector<double> missing) {
  const auto* found = typed_attribute(name, onnx::AttributeProto::FLOATS);
  if (!found) return missing;
  return {found->floats().begin(), found->floats().end()};
}

const onnx::GraphProto* NodeContext::attr_graph(std::string_view name) {
  const auto* found = typed_attribute(name, onnx::AttributeProto::GRAPH);
  return found ? &found->g() : nullptr;
}

Result<int64_t> NodeContext::axis_of(int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank) {
    return error("axis " + std::to_string(axis) + " is out of range for rank " +
                 std::to_string(rank));
  }
  return axis < 0 ? axis + rank : axis;
}

Result<std::vector<int64_t>> NodeContext::axes_of(const std::vector<int64_t>& axes,
                                                  int rank) const {
  std::vector<int64_t> result;
  for (const int64_t axis : axes) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t positive, axis_of(axis, rank));
    if (std::find(result.begin(), result.end(), positive) != result.end()) {
      return error("axis " + std::to_string(axis) + " is given twice");
    }
    result.push_back(positive);
  }
  return result;
}

// --- results ---

bool NodeContext::wants(int output) const {
  return output < output_count() && !output_name(output).empty() &&
         scope_.used.contains(output_name(output));
}

Result<ValueId> NodeContext::emit(Op op, std::initializer_list<ValueId> inputs) {
  return emit(std::move(op), std::span<const ValueId>(inputs.begin(), inputs.size()));
}

Result<ValueId> NodeContext::emit(Op op, std::span<const ValueId> inputs) {
  const bool wanted[] = {true};
  const std::string base = name_ + '/' + op_label(op);
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<ValueId> results,
                          builder().emit(std::move(op), inputs, wanted, base, name_));
  fresh_.push_back(results[0]);
  return results[0];
}

Status NodeContext::emit_outputs(Op op, std::span<const ValueId> inputs) {
  const auto count = static_cast<size_t>(output_count());
  const std::unique_ptr<bool[]> wanted(new bool[count]);
  for (size_t i = 0; i < count; ++i) wanted[i] = wants(static_cast<int>(i));
  // A node needs some output; the first one costs least.
  if (std::none_of(wanted.get(), wanted.get() + count, [](bool w) { return w; })) wanted[0] = true;
  const std::string base = name_ + '/' + op_label(op);
  MEMOPT_ASSIGN_OR_RETURN(
      const std::vector<ValueId> results,
      builder().emit(std::move(op), inputs, std::span(wanted.get(), count), base, name_));
  for (size_t i = 0; i < count && i < results.size(); ++i) {
    if (!results[i]) continue;
    fresh_.push_back(results[i]);
    bind(static_cast<int>(i), results[i]);
  }
  return {};
}

Status NodeContext::result(Op op, std::initializer_list<ValueId> inputs) {
  return result(std::move(op), std::span<const ValueId>(inputs.begin(), inputs.size()));
}

Status NodeContext::result(Op op, std::span<const ValueId> inputs) {
  MEMOPT_ASSIGN_OR_RETURN(const ValueId value, emit(std::move(op), inputs));
  bind(0, value);
  return {};
}

ValueId NodeContext::constant(const TensorType& type, std::shared_ptr<const ConstantData> data) {
  const ValueId id = builder().add_constant(name_ + "/constant", type, std::move(data));
  fresh_.push_back(id);
  return id;
}

ValueId NodeContext::constant_ints(const std::vector<int64_t>& values) {
  TensorType type;
  type.dtype = DType::kI64;
  type.dims = {static_cast<int64_t>(values.size())};
  std::vector<std::byte> bytes(values.size() * sizeof(int64_t));
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return constant(type, ConstantData::from_bytes(std::move(bytes)));
}

Result<ValueId> NodeContext::constant_scalar(DType type, double value) {
  return constant_values(type, {}, {&value, 1});
}

Result<ValueId> NodeContext::constant_values(DType dtype, const Dims& dims,
                                             std::span<const double> values) {
  TensorType type;
  type.dtype = dtype;
  type.dims = dims;
  const auto needed = checked_mul(static_cast<int64_t>(values.size()), sizeof(double));
  MEMOPT_ASSIGN_OR_RETURN(Reservation reserved,
                          reserve_constant(builder().state().options.account,
                                           needed.value_or(INT64_MAX), "a list of constants"));
  MEMOPT_ASSIGN_OR_RETURN(std::vector<std::byte> bytes, number_bytes(dtype, values));
  return constant(type, ConstantData::from_bytes(std::move(bytes), std::move(reserved)));
}

void NodeContext::bind(int output, ValueId value) {
  if (output >= output_count() || output_name(output).empty()) return;
  results_[static_cast<size_t>(output)] = value;
  // A value that this node made takes ONNX's name; an older one keeps its own.
  const auto found = std::find(fresh_.begin(), fresh_.end(), value);
  if (found == fresh_.end()) return;
  fresh_.erase(found);
  const std::string wanted = scope_.prefix + output_name(output);
  const bool own_name = scope_.parent == nullptr && scope_.prefix.empty();  // it is reserved
  builder().graph().rename(value, own_name ? wanted : builder().fresh_name(wanted));
}

void NodeContext::report(std::string message) {
  if (!error_) error_ = error(std::move(message));
}

}  // namespace memopt
