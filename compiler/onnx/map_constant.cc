// Operators whose results are known at import, and those that pass their operand on.
#include <algorithm>
#include <cmath>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/tensor.h"
#include "compiler/onnx/types.h"

namespace memopt {
namespace {

Status bind_loaded(NodeContext& node, const Result<LoadedTensor>& loaded) {
  if (!loaded.ok()) return loaded.error();
  node.bind(0, node.constant(loaded->type, loaded->data));
  return {};
}

Status bind_values(NodeContext& node, DType dtype, const Dims& dims,
                   std::span<const double> values) {
  MEMOPT_ASSIGN_OR_RETURN(const ValueId value, node.constant_values(dtype, dims, values));
  node.bind(0, value);
  return {};
}

ValueId scalar_int(NodeContext& node, int64_t number) {
  TensorType type;
  type.dtype = DType::kI64;
  const auto* bytes = reinterpret_cast<const std::byte*>(&number);
  return node.constant(
      type, ConstantData::from_bytes(std::vector<std::byte>(bytes, bytes + sizeof(number))));
}

Status map_constant(NodeContext& node) {
  const ImportState& state = node.builder().state();
  if (const auto* attribute = node.attribute("value")) {
    return bind_loaded(node, load_tensor(attribute->t(), state.source));
  }
  if (const auto* attribute = node.attribute("sparse_value")) {
    return bind_loaded(node, load_sparse_tensor(attribute->sparse_tensor(), state.source));
  }
  if (node.has_attribute("value_int")) {
    node.bind(0, scalar_int(node, node.attr_int("value_int", 0)));
    return {};
  }
  if (node.has_attribute("value_ints")) {
    node.bind(0, node.constant_ints(node.attr_ints("value_ints")));
    return {};
  }
  if (node.has_attribute("value_float")) {
    const double value = node.attr_float("value_float", 0);
    return bind_values(node, DType::kF32, {}, {&value, 1});
  }
  if (node.has_attribute("value_floats")) {
    const std::vector<double> values = node.attr_floats("value_floats");
    return bind_values(node, DType::kF32, {static_cast<int64_t>(values.size())}, values);
  }
  return node.error("needed a value of numbers");
}

Status map_constant_of_shape(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(std::vector<int64_t> dims, node.constant_ints(0, "shape"));
  ValueId value;
  if (const auto* attribute = node.attribute("value")) {
    MEMOPT_ASSIGN_OR_RETURN(const LoadedTensor loaded,
                            load_tensor(attribute->t(), node.builder().state().source));
    value = node.constant(loaded.type, loaded.data);
  } else {
    MEMOPT_ASSIGN_OR_RETURN(value, node.constant_scalar(DType::kF32, 0));
  }
  MEMOPT_ASSIGN_OR_RETURN(const Dims checked, checked_dims(dims));
  return node.result(Full{.dims = {checked.begin(), checked.end()}}, {value});
}

Status map_shape(NodeContext& node) {
  const Dims& dims = node.dims(0);
  const int64_t rank = dims.rank();
  const auto clamp = [&](int64_t index) {
    return std::clamp<int64_t>(index < 0 ? index + rank : index, 0, rank);
  };
  const int64_t start = clamp(node.attr_int("start", 0));
  const int64_t end = std::max(start, clamp(node.attr_int("end", rank)));
  node.bind(0, node.constant_ints({dims.begin() + start, dims.begin() + end}));
  return {};
}

Status map_size(NodeContext& node) {
  node.bind(0, scalar_int(node, node.type(0).count()));
  return {};
}

// Ones on one diagonal: what is both in the upper and in the lower triangle of ones.
Status map_eye_like(NodeContext& node) {
  std::vector<int64_t> dims(node.dims(0).begin(), node.dims(0).end());
  if (dims.size() == 1) dims.push_back(dims[0]);  // what some runtimes accept
  if (dims.size() != 2) return node.error("needed a matrix, found " + to_string(node.type(0)));
  const int64_t number = node.attr_int("dtype", dtype_to_onnx(node.type(0).dtype));
  const std::optional<DType> dtype = dtype_from_onnx(number);
  if (!dtype) return node.error("element type " + onnx_dtype_name(number) + " is not supported");
  const int64_t k = std::clamp(node.attr_int("k", 0), -kMaxDim, kMaxDim);
  MEMOPT_ASSIGN_OR_RETURN(const ValueId one, node.constant_scalar(*dtype, 1));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId ones, node.emit(Full{.dims = dims}, {one}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId upper, node.emit(Trilu{.upper = true, .k = k}, {ones}));
  return node.result(Trilu{.upper = false, .k = k}, {upper});
}

Status map_range(NodeContext& node) {
  const DType dtype = node.type(0).dtype;
  // Counted before they are made: as doubles here, as what they are by constant_values().
  Reservation reserved;
  const auto reserve = [&](double count) -> Status {
    constexpr double kMost = 1e15;  // more bytes than any limit
    if (std::isnan(count)) return node.error("a number of elements that is not a number");
    const auto elements = static_cast<int64_t>(std::clamp(count, 0.0, kMost));
    const std::string what = std::to_string(elements) + " elements";
    MEMOPT_RETURN_IF_ERROR(node.builder().account().charge_work(elements, what));
    MEMOPT_ASSIGN_OR_RETURN(reserved,
                            node.builder().reserve(elements * int64_t{sizeof(double)}, what));
    return {};
  };
  std::vector<double> values;
  if (is_integer(dtype)) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t start, node.constant_int(0, "start"));
    MEMOPT_ASSIGN_OR_RETURN(const int64_t limit, node.constant_int(1, "limit"));
    MEMOPT_ASSIGN_OR_RETURN(const int64_t delta, node.constant_int(2, "delta"));
    constexpr int64_t kExact = int64_t{1} << 53;  // doubles hold integers up to here
    for (const int64_t number : {start, limit, delta}) {
      if (number < -kExact || number > kExact) return node.error("a number is out of range");
    }
    if (delta == 0) return node.error("a delta of 0");
    const int64_t count =
        delta > 0 ? (limit - start + delta - 1) / delta : (start - limit - delta - 1) / -delta;
    MEMOPT_RETURN_IF_ERROR(reserve(static_cast<double>(count)));
    for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<double>(start + i * delta));
  } else {
    MEMOPT_ASSIGN_OR_RETURN(const double start, node.constant_float(0, "start"));
    MEMOPT_ASSIGN_OR_RETURN(const double limit, node.constant_float(1, "limit"));
    MEMOPT_ASSIGN_OR_RETURN(const double delta, node.constant_float(2, "delta"));
    const double count = std::ceil((limit - start) / delta);  // may be negative or NaN
    MEMOPT_RETURN_IF_ERROR(reserve(count));
    for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) {
      values.push_back(start + static_cast<double>(i) * delta);
    }
  }
  return bind_values(node, dtype, {static_cast<int64_t>(values.size())}, values);
}

Status map_identity(NodeContext& node) {
  node.bind(0, node.in(0));
  return {};
}

// In inference, Dropout is its operand, and nothing is masked.
Status map_dropout(NodeContext& node) {
  if (node.opset() >= 12 && node.has(2)) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t training, node.constant_int(2, "training_mode"));
    double ratio = 0.5;
    if (node.has(1)) {
      MEMOPT_ASSIGN_OR_RETURN(ratio, node.constant_float(1, "ratio"));
    }
    if (training != 0 && ratio != 0) return node.error("training mode is random: not supported");
  }
  node.bind(0, node.in(0));
  if (!node.wants(1)) return {};
  const DType mask_type = node.opset() < 10 ? node.type(0).dtype : DType::kBool;
  MEMOPT_ASSIGN_OR_RETURN(const ValueId one, node.constant_scalar(mask_type, 1));
  const Dims dims = node.dims(0);
  MEMOPT_ASSIGN_OR_RETURN(const ValueId mask,
                          node.emit(Full{.dims = {dims.begin(), dims.end()}}, {one}));
  node.bind(1, mask);
  return {};
}

constexpr NodeMapping kMappings[] = {
    {"Constant", 0, 0, map_constant}, {"ConstantOfShape", 1, 1, map_constant_of_shape},
    {"Dropout", 1, 3, map_dropout},   {"EyeLike", 1, 1, map_eye_like},
    {"Identity", 1, 1, map_identity}, {"Range", 3, 3, map_range},
    {"Shape", 1, 1, map_shape},       {"Size", 1, 1, map_size},
};

}  // namespace

std::span<const NodeMapping> constant_mappings() { return kMappings; }

}  // namespace memopt
