// Pools, and the global ones as reductions.
#include "compiler/onnx/mapping.h"
#include "compiler/onnx/window_attributes.h"

namespace memopt {
namespace {

std::vector<int64_t> spatial_axes(int rank) {
  std::vector<int64_t> axes;
  for (int axis = 2; axis < rank; ++axis) axes.push_back(axis);
  return axes;
}

Result<Pool> sliding_pool(NodeContext& node, PoolFn fn) {
  MEMOPT_ASSIGN_OR_RETURN(WindowAttributes window, read_sliding_window(node, node.dims(0), {}));
  Pool pool;
  pool.fn = fn;
  pool.kernel = std::move(window.kernel);
  pool.strides = std::move(window.strides);
  pool.dilations = std::move(window.dilations);
  pool.pads = std::move(window.pads);
  // auto_pad says the output's extent itself.
  pool.ceil_mode = node.attr_bool("ceil_mode", false) && window.auto_pad == "NOTSET";
  return pool;
}

Status map_max_pool(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(Pool pool, sliding_pool(node, PoolFn::kMax));
  pool.column_major_indices = node.attr_bool("storage_order", false);
  return node.emit_outputs(std::move(pool), node.all_inputs());
}

Status map_average_pool(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(Pool pool, sliding_pool(node, PoolFn::kAverage));
  pool.count_include_pad = node.attr_bool("count_include_pad", false);
  return node.result(std::move(pool), {node.in(0)});
}

Status map_lp_pool(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(Pool pool, sliding_pool(node, PoolFn::kLp));
  pool.p = node.attr_int("p", 2);
  return node.result(std::move(pool), {node.in(0)});
}

template <ReduceFn kFn>
Status map_global_pool(NodeContext& node) {
  return node.result(Reduce{.fn = kFn, .axes = spatial_axes(node.rank(0)), .keep_dims = true},
                     {node.in(0)});
}

Status map_global_lp_pool(NodeContext& node) {
  const int64_t p = node.attr_int("p", 2);
  if (p == 1) return map_global_pool<ReduceFn::kL1>(node);
  if (p == 2) return map_global_pool<ReduceFn::kL2>(node);
  const Dims& x = node.dims(0);
  if (x.rank() < 3) return node.error("needed an operand of rank >= 3, found " + to_string(x));
  const auto n = static_cast<size_t>(x.rank() - 2);
  Pool pool;
  pool.fn = PoolFn::kLp;
  pool.kernel.assign(x.begin() + 2, x.end());
  pool.strides.assign(n, 1);
  pool.dilations.assign(n, 1);
  pool.pads.assign(2 * n, 0);
  pool.p = p;
  return node.result(std::move(pool), {node.in(0)});
}

Status map_max_unpool(NodeContext& node) {
  const Dims& x = node.dims(0);
  if (x.rank() < 3) return node.error("needed an operand of rank >= 3, found " + to_string(x));
  MEMOPT_ASSIGN_OR_RETURN(const WindowAttributes window, read_window(node, x.rank() - 2, {}));
  const size_t n = window.kernel.size();
  MaxUnpool op;
  op.unpooled_dims = {x[0], x[1]};
  for (size_t i = 0; i < n; ++i) {
    op.unpooled_dims.push_back((x[static_cast<int>(i) + 2] - 1) * window.strides[i] +
                               window.kernel[i] - window.pads[i] - window.pads[i + n]);
  }
  op.dims = op.unpooled_dims;
  if (node.has(2)) {
    MEMOPT_ASSIGN_OR_RETURN(op.dims, node.constant_ints(2, "output_shape"));
  }
  return node.result(std::move(op), {node.in(0), node.in(1)});
}

constexpr NodeMapping kMappings[] = {
    {"AveragePool", 1, 1, map_average_pool},
    {"GlobalAveragePool", 1, 1, map_global_pool<ReduceFn::kMean>},
    {"GlobalLpPool", 1, 1, map_global_lp_pool},
    {"GlobalMaxPool", 1, 1, map_global_pool<ReduceFn::kMax>},
    {"LpPool", 1, 1, map_lp_pool},
    {"MaxPool", 1, 1, map_max_pool},
    {"MaxUnpool", 2, 3, map_max_unpool},
};

}  // namespace

std::span<const NodeMapping> pooling_mappings() { return kMappings; }

}  // namespace memopt
