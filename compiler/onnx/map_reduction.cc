// Reductions along axes.
#include <algorithm>
#include <numeric>

#include "compiler/onnx/mapping.h"

namespace memopt {
namespace {

// From which opset the axes of a reduction are an operand.
int64_t axes_operand_since(ReduceFn fn) { return fn == ReduceFn::kSum ? 13 : 18; }

template <ReduceFn kFn>
Status map_reduce(NodeContext& node) {
  const int rank = node.rank(0);
  std::vector<int64_t> axes = node.attr_ints("axes");
  if (node.opset() >= axes_operand_since(kFn) && node.has(1)) {
    MEMOPT_ASSIGN_OR_RETURN(axes, node.constant_ints(1, "axes"));
  }
  MEMOPT_ASSIGN_OR_RETURN(axes, node.axes_of(axes, rank));
  std::sort(axes.begin(), axes.end());
  if (axes.empty() && !node.attr_bool("noop_with_empty_axes", false)) {
    axes.resize(static_cast<size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
  }
  return node.result(Reduce{.fn = kFn, .axes = axes, .keep_dims = node.attr_bool("keepdims", true)},
                     {node.in(0)});
}

template <ArgReduceFn kFn>
Status map_arg_reduce(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis, node.axis_of(node.attr_int("axis", 0), node.rank(0)));
  return node.result(ArgReduce{.fn = kFn,
                               .axis = axis,
                               .keep_dims = node.attr_bool("keepdims", true),
                               .select_last = node.attr_bool("select_last_index", false)},
                     {node.in(0)});
}

template <CumulateFn kFn>
Status map_cumulate(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t given, node.constant_int(1, "axis"));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis, node.axis_of(given, node.rank(0)));
  return node.result(Cumulate{.fn = kFn,
                              .axis = axis,
                              .exclusive = node.attr_bool("exclusive", false),
                              .reverse = node.attr_bool("reverse", false)},
                     {node.in(0)});
}

Status map_top_k(NodeContext& node) {
  TopK op;
  if (node.opset() < 10) {
    op.k = node.attr_int("k", -1);
  } else {
    MEMOPT_ASSIGN_OR_RETURN(op.k, node.constant_int(1, "K"));
  }
  MEMOPT_ASSIGN_OR_RETURN(op.axis, node.axis_of(node.attr_int("axis", -1), node.rank(0)));
  op.largest = node.attr_bool("largest", true);
  op.sorted = node.attr_bool("sorted", true);
  const ValueId x = node.in(0);
  return node.emit_outputs(op, {&x, 1});
}

constexpr NodeMapping kMappings[] = {
    {"ArgMax", 1, 1, map_arg_reduce<ArgReduceFn::kMax>},
    {"ArgMin", 1, 1, map_arg_reduce<ArgReduceFn::kMin>},
    {"CumProd", 2, 2, map_cumulate<CumulateFn::kProd>},
    {"CumSum", 2, 2, map_cumulate<CumulateFn::kSum>},
    {"ReduceL1", 1, 2, map_reduce<ReduceFn::kL1>},
    {"ReduceL2", 1, 2, map_reduce<ReduceFn::kL2>},
    {"ReduceLogSum", 1, 2, map_reduce<ReduceFn::kLogSum>},
    {"ReduceLogSumExp", 1, 2, map_reduce<ReduceFn::kLogSumExp>},
    {"ReduceMax", 1, 2, map_reduce<ReduceFn::kMax>},
    {"ReduceMean", 1, 2, map_reduce<ReduceFn::kMean>},
    {"ReduceMin", 1, 2, map_reduce<ReduceFn::kMin>},
    {"ReduceProd", 1, 2, map_reduce<ReduceFn::kProd>},
    {"ReduceSum", 1, 2, map_reduce<ReduceFn::kSum>},
    {"ReduceSumSquare", 1, 2, map_reduce<ReduceFn::kSumSquare>},
    {"TopK", 1, 2, map_top_k},
};

}  // namespace

std::span<const NodeMapping> reduction_mappings() { return kMappings; }

}  // namespace memopt
