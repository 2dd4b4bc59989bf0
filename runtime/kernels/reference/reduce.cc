// Reductions over several dimensions. Floats are summed in double, integers modulo 2^64.
#include <cmath>

#include "runtime/kernels/lanes.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

// log(sum of exp(x)), in one pass: sum is relative to exp(max).
struct LogSumExpState {
  double max = -std::numeric_limits<double>::infinity();
  double sum = 0;

  void add(double value) {
    if (value <= max) {
      sum += value == max ? 1 : std::exp(value - max);  // equal infinities count as one
    } else {
      sum = (sum == 0 ? 0 : sum * std::exp(max - value)) + 1;
      max = value;
    }
  }
  double result() const { return max + std::log(sum); }
};

// What one reduction keeps per output element: State, and how values enter and leave it. Of nothing
// it gives 0 (sums), 1 (products), the least or greatest value (max, min), and what the formula
// says for the others.
template <ReduceFn kFn, typename T>
struct Reducer {
  using Value = Compute<T>;
  static constexpr bool kOrders = kFn == ReduceFn::kMax || kFn == ReduceFn::kMin;
  static constexpr bool kReal =
      !std::is_integral_v<Value> || kFn == ReduceFn::kL2 || kFn == ReduceFn::kLogSum;
  using State = std::conditional_t<kOrders, Value,
                                   std::conditional_t<kFn == ReduceFn::kLogSumExp, LogSumExpState,
                                                      std::conditional_t<kReal, double, uint64_t>>>;

  static State initial() {
    using Limits = std::numeric_limits<Value>;
    if constexpr (kFn == ReduceFn::kMax) {
      return Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    } else if constexpr (kFn == ReduceFn::kMin) {
      return Limits::has_infinity ? Limits::infinity() : Limits::max();
    } else if constexpr (kFn == ReduceFn::kProd) {
      return 1;
    } else {
      return State{};
    }
  }

  static void add(State& state, Value value) {
    if constexpr (kOrders) {
      const bool better = kFn == ReduceFn::kMax ? value > state : value < state;
      if (better || value != value) state = value;  // NaN wins
    } else if constexpr (kFn == ReduceFn::kLogSumExp) {
      state.add(static_cast<double>(value));
    } else {
      const auto term = static_cast<State>(value);
      if constexpr (kFn == ReduceFn::kProd) {
        state *= term;
      } else if constexpr (kFn == ReduceFn::kL1) {
        state += value < Value(0) ? -term : term;
      } else if constexpr (kFn == ReduceFn::kL2 || kFn == ReduceFn::kSumSquare) {
        state += term * term;
      } else {
        state += term;
      }
    }
  }

  static Value result(const State& state, int64_t count) {
    if constexpr (kOrders) {
      return state;
    } else if constexpr (kFn == ReduceFn::kLogSumExp) {
      return convert<Value>(state.result());
    } else if constexpr (kFn == ReduceFn::kLogSum) {
      return convert<Value>(std::log(state));
    } else if constexpr (kFn == ReduceFn::kL2) {
      return convert<Value>(std::sqrt(state));
    } else if constexpr (kFn == ReduceFn::kMean && kReal) {
      return static_cast<Value>(state / static_cast<double>(count));
    } else if constexpr (kFn == ReduceFn::kMean) {
      // The 64 bits are those of the sum in Value's signedness.
      using Wide = std::conditional_t<std::is_signed_v<Value>, int64_t, uint64_t>;
      return count == 0 ? Value(0)
                        : static_cast<Value>(static_cast<Wide>(state) / static_cast<Wide>(count));
    } else {
      return static_cast<Value>(state);
    }
  }
};

template <ReduceFn kFn, typename T>
void reduce_as(const Walk<2>& kept, const Walk<1>& reduced, const RunContext& context) {
  using R = Reducer<kFn, T>;
  const T* x = context.inputs[0].as<T>();
  T* y = context.outputs[0].as<T>();
  for_each_lane_block(context.parallel, kept, reduced.count(), [&](const LaneBlock<2>& block) {
    typename R::State states[kLanes];
    std::fill(states, states + kLanes, R::initial());
    visit_lanes(reduced, block,
                [&](int64_t lane, const Offsets<1>& at) { R::add(states[lane], load(x[at[0]])); });
    for (int64_t lane = 0; lane < block.count; ++lane) {
      y[block.first[1] + lane * block.steps[1]] =
          store<T>(R::result(states[lane], reduced.count()));
    }
  });
}

template <typename T>
void reduce(ReduceFn fn, const Walk<2>& kept, const Walk<1>& reduced, const RunContext& context) {
  switch (fn) {
#define MEMOPT_CASE(name) \
  case ReduceFn::name:    \
    return reduce_as<ReduceFn::name, T>(kept, reduced, context)
    MEMOPT_CASE(kSum);
    MEMOPT_CASE(kMean);
    MEMOPT_CASE(kMax);
    MEMOPT_CASE(kMin);
    MEMOPT_CASE(kProd);
    MEMOPT_CASE(kL1);
    MEMOPT_CASE(kL2);
    MEMOPT_CASE(kLogSum);
    MEMOPT_CASE(kLogSumExp);
    MEMOPT_CASE(kSumSquare);
#undef MEMOPT_CASE
  }
}

Status run_reduce(const Reduce& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  Dims kept_dims, kept_x, kept_y, reduced_dims, reduced_x;
  size_t next = 0;  // entry of op.axes
  int y_axis = 0;
  for (int i = 0; i < x.rank(); ++i) {
    if (next < op.axes.size() && op.axes[next] == i) {
      ++next;
      reduced_dims.push_back(x.dims[i]);
      reduced_x.push_back(x.strides[i]);
      if (op.keep_dims) ++y_axis;
    } else {
      kept_dims.push_back(x.dims[i]);
      kept_x.push_back(x.strides[i]);
      kept_y.push_back(y.strides[y_axis++]);
    }
  }
  const Walk<2> kept(kept_dims, {kept_x, kept_y});
  const Walk<1> reduced(reduced_dims, {reduced_x});
  if (x.dtype == DType::kBool) {  // max and min only: any, all
    if (op.fn == ReduceFn::kMax) reduce_as<ReduceFn::kMax, Bool>(kept, reduced, context);
    if (op.fn == ReduceFn::kMin) reduce_as<ReduceFn::kMin, Bool>(kept, reduced, context);
    return {};
  }
  return dispatch_number(x.dtype, [&](auto tag) -> Status {
    reduce<typename decltype(tag)::type>(op.fn, kept, reduced, context);
    return {};
  });
}

}  // namespace

const KernelDef* Reduce_reference() {
  static constexpr KernelDef kDef = reference_def<Reduce, run_reduce>();
  return &kDef;
}

}  // namespace memopt
