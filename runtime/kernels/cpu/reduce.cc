// Sums, means, norms, maxima and minima over any dimensions, where the innermost stored dimension
// of x is contiguous and either reduced or kept.
#include <cmath>
#include <optional>

#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/row_loops.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/lanes.h"

namespace memopt::cpu {
namespace {

std::optional<ReduceStep> step_of(ReduceFn fn) {
  switch (fn) {
    case ReduceFn::kSum:
    case ReduceFn::kMean:
    case ReduceFn::kLogSum:
      return ReduceStep::kSum;
    case ReduceFn::kMax:
      return ReduceStep::kMax;
    case ReduceFn::kMin:
      return ReduceStep::kMin;
    case ReduceFn::kL1:
      return ReduceStep::kAbs;
    case ReduceFn::kL2:
    case ReduceFn::kSumSquare:
      return ReduceStep::kSquare;
    case ReduceFn::kProd:
    case ReduceFn::kLogSumExp:
      break;
  }
  return std::nullopt;
}

double neutral(ReduceStep step) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return step == ReduceStep::kMax ? -kInfinity : step == ReduceStep::kMin ? kInfinity : 0;
}

float finish(ReduceFn fn, double total, int64_t count) {
  if (fn == ReduceFn::kMean) total /= static_cast<double>(count);
  if (fn == ReduceFn::kL2) total = std::sqrt(total);
  if (fn == ReduceFn::kLogSum) total = std::log(total);
  return static_cast<float>(total);
}

// The kept dimensions (operands x, y) and the reduced ones (x).
struct Walks {
  Walk<2> kept;
  Walk<1> reduced;
};

template <typename T>  // Tensor or Operand
Walks walks_of(const Reduce& op, const T& x, const T& y) {
  Dims kept, kept_x, kept_y, reduced, reduced_x;
  size_t next = 0;  // entry of op.axes
  int y_axis = 0;
  for (int i = 0; i < x.dims.rank(); ++i) {
    if (next < op.axes.size() && op.axes[next] == i) {
      ++next;
      reduced.push_back(x.dims[i]);
      reduced_x.push_back(x.strides[i]);
      if (op.keep_dims) ++y_axis;
    } else {
      kept.push_back(x.dims[i]);
      kept_x.push_back(x.strides[i]);
      kept_y.push_back(y.strides[y_axis++]);
    }
  }
  return {Walk<2>(kept, {kept_x, kept_y}), Walk<1>(reduced, {reduced_x})};
}

bool reduces_rows(const Walks& walks) {
  return walks.reduced.row() > 1 && walks.reduced.steps()[0] == 1;
}

bool supports(const KernelRequest& request) {
  const auto& op = std::get<Reduce>(*request.op);
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  if (!step_of(op.fn) || !is_plain_f32(x) || !is_plain_f32(y)) return false;
  const Walks walks = walks_of(op, x, y);
  return reduces_rows(walks) || walks.kept.steps()[0] == 1;
}

Status run(const Reduce& op, Isa isa, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const RowLoops& loops = row_loops(isa);
  const ReduceStep step = *step_of(op.fn);
  const Walks walks = walks_of(op, x, y);
  const Walk<1>& reduced = walks.reduced;
  const bool rows = reduces_rows(walks);
  for_each_lane_block(
      context.parallel, walks.kept, reduced.count(), [&](const LaneBlock<2>& block) {
        double totals[kLanes];
        std::fill(totals, totals + kLanes, neutral(step));
        const float* from = x.as<float>() + block.first[0];
        reduced.visit(0, reduced.count(), [&](const Offsets<1>& at, int64_t n) {
          if (!rows) {
            loops.reduce_columns(step, from + at[0], reduced.steps()[0], n, block.count, totals);
            return;
          }
          for (int64_t lane = 0; lane < block.count; ++lane) {
            loops.reduce(step, from + at[0] + lane * block.steps[0], n, &totals[lane]);
          }
        });
        for (int64_t lane = 0; lane < block.count; ++lane) {
          y.as<float>()[block.first[1] + lane * block.steps[1]] =
              finish(op.fn, totals[lane], reduced.count());
        }
      });
  return {};
}

}  // namespace

const KernelDef* reduce() {
  static constexpr KernelDef kDef = simd_def<Reduce, run>("reduce.simd", supports);
  return &kDef;
}

}  // namespace memopt::cpu
