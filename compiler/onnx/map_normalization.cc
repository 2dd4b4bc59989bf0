// Normalizations and softmax.
#include <algorithm>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/types.h"
#include "runtime/base/checked.h"
#include "runtime/ops/infer_checks.h"

namespace memopt {
namespace {

Binary binary(BinaryFn fn) { return {.fn = fn, .activation = {}}; }

// BatchNormalization in training mode: statistics of this batch, and running ones.
Status map_batch_norm_training(NodeContext& node, BatchNorm op) {
  const ValueId x = node.in(0);
  const DType dtype = node.type(0).dtype;
  std::vector<int64_t> axes;
  for (int axis = 0; axis < node.rank(0); ++axis) {
    if (axis != 1) axes.push_back(axis);
  }
  const auto mean_of = [&](ValueId value, bool keep_dims) {
    return node.emit(Reduce{.fn = ReduceFn::kMean, .axes = axes, .keep_dims = keep_dims}, {value});
  };
  MEMOPT_ASSIGN_OR_RETURN(const ValueId wide_mean, mean_of(x, true));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId centered,
                          node.emit(binary(BinaryFn::kSub), {x, wide_mean}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId squared,
                          node.emit(binary(BinaryFn::kMul), {centered, centered}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId mean, mean_of(x, false));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId variance, mean_of(squared, false));
  MEMOPT_RETURN_IF_ERROR(node.result(op, {x, node.in(1), node.in(2), mean, variance}));

  const double momentum = node.attr_float("momentum", 0.9f);
  MEMOPT_ASSIGN_OR_RETURN(const ValueId keep, node.constant_scalar(node.type(3).dtype, momentum));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId take, node.constant_scalar(dtype, 1 - momentum));
  const ValueId batch[] = {mean, variance};
  for (int i = 0; i < 2; ++i) {
    if (!node.wants(i + 1)) continue;
    MEMOPT_ASSIGN_OR_RETURN(const ValueId old,
                            node.emit(binary(BinaryFn::kMul), {node.in(3 + i), keep}));
    MEMOPT_ASSIGN_OR_RETURN(const ValueId now, node.emit(binary(BinaryFn::kMul), {batch[i], take}));
    MEMOPT_ASSIGN_OR_RETURN(const ValueId running, node.emit(binary(BinaryFn::kAdd), {old, now}));
    node.bind(i + 1, running);
  }
  return {};
}

Status map_batch_norm(NodeContext& node) {
  const BatchNorm op{.epsilon = node.attr_float("epsilon", 1e-5f)};
  if (node.attr_int("spatial", 1) == 0 && node.rank(0) > 2) {
    return node.error("spatial = 0 (statistics per element) is not supported");
  }
  const bool training = node.opset() >= 14 && node.attr_bool("training_mode", false);
  if (training) return map_batch_norm_training(node, op);
  // Before opset 14 outputs 1 to 4 are for training; an unused one may still have a name.
  for (int i = 1; i < node.output_count(); ++i) {
    if (node.wants(i)) return node.error("training outputs are not supported at this opset");
  }
  return node.result(op, node.all_inputs());
}

Status map_instance_norm(NodeContext& node) {
  return node.result(InstanceNorm{.epsilon = node.attr_float("epsilon", 1e-5f)}, node.all_inputs());
}

Status map_lrn(NodeContext& node) {
  return node.result(Lrn{.window = node.attr_int("size", 1),
                         .alpha = node.attr_float("alpha", 0.0001f),
                         .beta = node.attr_float("beta", 0.75),
                         .bias = node.attr_float("bias", 1)},
                     {node.in(0)});
}

Result<ValueId> cast(NodeContext& node, ValueId x, DType to) {
  return node.type(x).dtype == to ? x : node.emit(Cast{.to = to}, {x});
}

// The type that statistics have.
Result<DType> stash_type(NodeContext& node) {
  const int64_t number = node.attr_int("stash_type", 1);
  const std::optional<DType> type = dtype_from_onnx(number);
  if (type && is_number_float(*type)) return *type;
  return node.error("stash_type " + onnx_dtype_name(number) + ", needed a float type");
}

// The type to compute in: never less than the stash type, nor than f32.
DType compute_type(DType x, DType stash) {
  return x == DType::kF64 || stash == DType::kF64 ? DType::kF64 : DType::kF32;
}

// value + number, value * number.
Result<ValueId> with_scalar(NodeContext& node, BinaryFn fn, ValueId value, double number) {
  MEMOPT_ASSIGN_OR_RETURN(const ValueId scalar,
                          node.constant_scalar(node.type(value).dtype, number));
  return node.emit(binary(fn), {value, scalar});
}

// The mean of the squares along `axes`, which stay as 1.
Result<ValueId> mean_square(NodeContext& node, ValueId x, const std::vector<int64_t>& axes) {
  double count = 1;
  for (const int64_t axis : axes) {
    count *= static_cast<double>(node.type(x).dims[static_cast<int>(axis)]);
  }
  MEMOPT_ASSIGN_OR_RETURN(
      const ValueId sum,
      node.emit(Reduce{.fn = ReduceFn::kSumSquare, .axes = axes, .keep_dims = true}, {x}));
  return with_scalar(node, BinaryFn::kMul, sum, 1.0 / count);
}

// x less its mean along `axes`, and the mean.
struct Centered {
  ValueId x, mean;
};
Result<Centered> centered(NodeContext& node, ValueId x, const std::vector<int64_t>& axes) {
  MEMOPT_ASSIGN_OR_RETURN(
      const ValueId mean,
      node.emit(Reduce{.fn = ReduceFn::kMean, .axes = axes, .keep_dims = true}, {x}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId rest, node.emit(binary(BinaryFn::kSub), {x, mean}));
  return Centered{rest, mean};
}

std::vector<int64_t> axes_from(int64_t axis, int rank) {
  std::vector<int64_t> axes;
  for (; axis < rank; ++axis) axes.push_back(axis);
  return axes;
}

// Layer normalization with statistics in f64, which the operator does not keep: step by step, as
// ONNX's function body does.
Status map_layer_norm_f64(NodeContext& node, int64_t axis) {
  const DType dtype = node.type(0).dtype;
  const std::vector<int64_t> axes = axes_from(axis, node.rank(0));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId x, cast(node, node.in(0), DType::kF64));
  MEMOPT_ASSIGN_OR_RETURN(const Centered centre, centered(node, x, axes));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId variance, mean_square(node, centre.x, axes));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId shifted, with_scalar(node, BinaryFn::kAdd, variance,
                                                             node.attr_float("epsilon", 1e-5f)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId deviation, node.emit(Unary{{UnaryFn::kSqrt}}, {shifted}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId inverse,
                          node.emit(Unary{{UnaryFn::kReciprocal}}, {deviation}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId normalized,
                          node.emit(binary(BinaryFn::kMul), {centre.x, inverse}));
  MEMOPT_ASSIGN_OR_RETURN(ValueId y, cast(node, normalized, dtype));
  MEMOPT_ASSIGN_OR_RETURN(y, node.emit(binary(BinaryFn::kMul), {y, node.in(1)}));
  if (node.has(2)) {
    MEMOPT_ASSIGN_OR_RETURN(y, node.emit(binary(BinaryFn::kAdd), {y, node.in(2)}));
  }
  node.bind(0, y);
  node.bind(1, centre.mean);
  node.bind(2, inverse);
  return {};
}

Status map_layer_norm(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis,
                          node.axis_of(node.attr_int("axis", -1), node.rank(0)));
  MEMOPT_ASSIGN_OR_RETURN(const DType stash, stash_type(node));
  if (stash == DType::kF64) return map_layer_norm_f64(node, axis);
  const LayerNorm norm{.axis = axis, .epsilon = node.attr_float("epsilon", 1e-5f)};
  const std::vector<ValueId> inputs = node.all_inputs();
  if (stash == DType::kF32) return node.emit_outputs(norm, inputs);
  // The operator's statistics are f32.
  const bool wanted[] = {true, node.wants(1), node.wants(2)};
  MEMOPT_ASSIGN_OR_RETURN(
      const std::vector<ValueId> results,
      node.builder().emit(norm, inputs, wanted, node.name() + "/layer_norm", node.name()));
  node.bind_new(0, results[0]);
  for (int i = 1; i < 3; ++i) {
    if (!node.wants(i)) continue;
    MEMOPT_ASSIGN_OR_RETURN(const ValueId narrow,
                            cast(node, results[static_cast<size_t>(i)], stash));
    node.bind(i, narrow);
  }
  return {};
}

// scale x / sqrt(mean of squares + epsilon).
Status map_rms_norm(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis,
                          node.axis_of(node.attr_int("axis", -1), node.rank(0)));
  MEMOPT_ASSIGN_OR_RETURN(const DType stash, stash_type(node));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId x,
                          cast(node, node.in(0), compute_type(node.type(0).dtype, stash)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId square,
                          mean_square(node, x, axes_from(axis, node.rank(0))));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId shifted, with_scalar(node, BinaryFn::kAdd, square,
                                                             node.attr_float("epsilon", 1e-5f)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId root, node.emit(Unary{{UnaryFn::kSqrt}}, {shifted}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId normalized, node.emit(binary(BinaryFn::kDiv), {x, root}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId y, cast(node, normalized, node.type(1).dtype));
  return node.result(binary(BinaryFn::kMul), {y, node.in(1)});
}

// (x - mean) / (standard deviation + 1e-9), as ONNX's function body has it.
Status map_mean_variance_norm(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> axes,
                          node.axes_of(node.attr_ints("axes", {0, 2, 3}), node.rank(0)));
  std::vector<int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  const DType dtype = node.type(0).dtype;
  MEMOPT_ASSIGN_OR_RETURN(const ValueId x,
                          cast(node, node.in(0), compute_type(dtype, DType::kF32)));
  MEMOPT_ASSIGN_OR_RETURN(const Centered centre, centered(node, x, sorted));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId variance, mean_square(node, centre.x, sorted));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId root, node.emit(Unary{{UnaryFn::kSqrt}}, {variance}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId divisor, with_scalar(node, BinaryFn::kAdd, root, 1e-9));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId normalized,
                          node.emit(binary(BinaryFn::kDiv), {centre.x, divisor}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId y, cast(node, normalized, dtype));
  node.bind(0, y);
  return {};
}

// A value per channel as a factor or addend of an image of this rank.
Result<ValueId> per_channel(NodeContext& node, ValueId vector, int rank) {
  std::vector<int64_t> dims(static_cast<size_t>(rank - 1), 1);
  dims[0] = node.type(vector).dims[0];
  return node.emit(Reshape{.dims = std::move(dims)}, {vector});
}

Status check_group_norm(NodeContext& node, int64_t groups) {
  const Dims& dims = node.dims(0);
  if (dims.rank() < 2 || groups < 1 || dims[1] % groups != 0) {
    return node.error("needed channels that divide by num_groups, found " + to_string(dims) +
                      " and " + std::to_string(groups));
  }
  const Dims vector = {node.opset() < 21 ? groups : dims[1]};
  if (node.dims(1) == vector && node.dims(2) == vector) return {};
  return node.error("needed scale and bias of " + to_string(vector) + ", found " +
                    to_string(node.dims(1)) + " and " + to_string(node.dims(2)));
}

// Every group of channels is normalized as if it was one channel. Scale and bias belong to groups
// below opset 21, and to channels from there on.
Status map_group_norm(NodeContext& node) {
  const int64_t groups = node.attr_int("num_groups", 0);
  MEMOPT_RETURN_IF_ERROR(check_group_norm(node, groups));
  MEMOPT_ASSIGN_OR_RETURN(const DType stash, stash_type(node));
  const Dims dims = node.dims(0);
  const DType dtype = node.type(0).dtype;
  const DType type = stash == DType::kF64 ? stash : dtype;
  std::optional<int64_t> size = dims[1] / groups;  // an empty tensor's need not fit
  for (int i = 2; i < dims.rank() && size; ++i) size = checked_mul(*size, dims[i]);
  if (!size) return node.error("the dimensions are too large: " + to_string(dims));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId x, cast(node, node.in(0), type));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId grouped,
                          node.emit(Reshape{.dims = {dims[0], groups, *size}}, {x}));
  ValueId scale = node.in(1), bias = node.in(2);
  const bool by_channel = node.opset() >= 21;
  if (by_channel) {
    MEMOPT_ASSIGN_OR_RETURN(const ValueId one, node.constant_scalar(type, 1));
    MEMOPT_ASSIGN_OR_RETURN(const ValueId zero, node.constant_scalar(type, 0));
    MEMOPT_ASSIGN_OR_RETURN(scale, node.emit(Full{.dims = {groups}}, {one}));
    MEMOPT_ASSIGN_OR_RETURN(bias, node.emit(Full{.dims = {groups}}, {zero}));
  }
  const InstanceNorm norm{.epsilon = node.attr_float("epsilon", 1e-5f)};
  MEMOPT_ASSIGN_OR_RETURN(ValueId y, node.emit(norm, {grouped, scale, bias}));
  MEMOPT_ASSIGN_OR_RETURN(y, cast(node, y, dtype));
  MEMOPT_ASSIGN_OR_RETURN(y, node.emit(Reshape{.dims = {dims.begin(), dims.end()}}, {y}));
  if (by_channel) {
    MEMOPT_ASSIGN_OR_RETURN(scale, per_channel(node, node.in(1), dims.rank()));
    MEMOPT_ASSIGN_OR_RETURN(bias, per_channel(node, node.in(2), dims.rank()));
    MEMOPT_ASSIGN_OR_RETURN(y, node.emit(binary(BinaryFn::kMul), {y, scale}));
    MEMOPT_ASSIGN_OR_RETURN(y, node.emit(binary(BinaryFn::kAdd), {y, bias}));
  }
  node.bind(0, y);
  return {};
}

template <SoftmaxFn kFn>
Status map_softmax(NodeContext& node) {
  const int rank = node.rank(0);
  const bool flattens = node.opset() < 13;
  // A scalar has no axis, but ONNX lets it pass as one element.
  const int axis_rank = rank == 0 ? 1 : rank;
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis,
                          node.axis_of(node.attr_int("axis", flattens ? 1 : -1), axis_rank));
  const Dims& dims = node.dims(0);
  // The extents multiply to the element count; an empty tensor's need not fit.
  const auto product = [&](int64_t begin, int64_t end) {
    int64_t result = 1;
    for (int64_t i = begin; i < end; ++i) {
      result = checked_mul(result, dims[static_cast<int>(i)]).value_or(0);
    }
    return result;
  };
  const int64_t inner = product(axis + 1, rank);
  if (rank > 0 && (!flattens || inner == 1 || node.type(0).count() == 0)) {
    return node.result(Softmax{.fn = kFn, .axis = axis}, {node.in(0)});
  }
  // Below opset 13, all dimensions from the axis on are one.
  const int64_t outer = product(0, std::min<int64_t>(axis, rank));
  const int64_t columns = rank == 0 ? 1 : dims[static_cast<int>(axis)] * inner;
  const std::vector<int64_t> full_dims(dims.begin(), dims.end());
  MEMOPT_ASSIGN_OR_RETURN(const ValueId flat,
                          node.emit(Reshape{.dims = {outer, columns}}, {node.in(0)}));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId y, node.emit(Softmax{.fn = kFn, .axis = 1}, {flat}));
  return node.result(Reshape{.dims = full_dims}, {y});
}

// x / norm of x along the axis; 0 where the norm is 0, so that the divisor is kept off 0.
Status map_lp_normalization(NodeContext& node) {
  const int64_t p = node.attr_int("p", 2);
  if (p != 1 && p != 2) return node.error("p must be 1 or 2, found " + std::to_string(p));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis,
                          node.axis_of(node.attr_int("axis", -1), node.rank(0)));
  MEMOPT_ASSIGN_OR_RETURN(
      const ValueId norm,
      node.emit(
          Reduce{.fn = p == 1 ? ReduceFn::kL1 : ReduceFn::kL2, .axes = {axis}, .keep_dims = true},
          {node.in(0)}));
  const double smallest = node.type(0).dtype == DType::kF16 ? 0x1p-24 : 0x1p-126;
  MEMOPT_ASSIGN_OR_RETURN(const ValueId floor, node.constant_scalar(node.type(0).dtype, smallest));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId divisor, node.emit(binary(BinaryFn::kMax), {norm, floor}));
  return node.result(binary(BinaryFn::kDiv), {node.in(0), divisor});
}

constexpr NodeMapping kMappings[] = {
    {"BatchNormalization", 5, 5, map_batch_norm},
    {"GroupNormalization", 3, 3, map_group_norm},
    {"Hardmax", 1, 1, map_softmax<SoftmaxFn::kHardmax>},
    {"InstanceNormalization", 3, 3, map_instance_norm},
    {"LRN", 1, 1, map_lrn},
    {"LayerNormalization", 2, 3, map_layer_norm},
    {"LogSoftmax", 1, 1, map_softmax<SoftmaxFn::kLogSoftmax>},
    {"LpNormalization", 1, 1, map_lp_normalization},
    {"MeanVarianceNormalization", 1, 1, map_mean_variance_norm},
    {"RMSNormalization", 2, 2, map_rms_norm},
    {"Softmax", 1, 1, map_softmax<SoftmaxFn::kSoftmax>},
};

}  // namespace

std::span<const NodeMapping> normalization_mappings() { return kMappings; }

}  // namespace memopt
