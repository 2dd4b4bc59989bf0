// Normalizations and softmax.
#include <algorithm>

#include "compiler/onnx/mapping.h"
#include "runtime/base/checked.h"

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

Status map_layer_norm(NodeContext& node) {
  if (node.attr_int("stash_type", 1) != 1) return node.error("only stash_type 1 is supported");
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis,
                          node.axis_of(node.attr_int("axis", -1), node.rank(0)));
  return node.emit_outputs(LayerNorm{.axis = axis, .epsilon = node.attr_float("epsilon", 1e-5f)},
                           node.all_inputs());
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
    {"Hardmax", 1, 1, map_softmax<SoftmaxFn::kHardmax>},
    {"InstanceNormalization", 3, 3, map_instance_norm},
    {"LRN", 1, 1, map_lrn},
    {"LayerNormalization", 2, 3, map_layer_norm},
    {"LogSoftmax", 1, 1, map_softmax<SoftmaxFn::kLogSoftmax>},
    {"LpNormalization", 1, 1, map_lp_normalization},
    {"Softmax", 1, 1, map_softmax<SoftmaxFn::kSoftmax>},
};

}  // namespace

std::span<const NodeMapping> normalization_mappings() { return kMappings; }

}  // namespace memopt
