// Compilers vectorise these loops; `ivdep` tells them that an output that lies on an input is no
// dependence between different elements.
#include "runtime/kernels/cpu/elementwise_loops.h"
#include "runtime/kernels/cpu/float_math.h"

namespace memopt::MEMOPT_SIMD_NAMESPACE {
namespace {

MEMOPT_INLINE float clip01(float x) { return at_most(at_least(x, 0.0f), 1.0f); }

template <UnaryFn kFn>
MEMOPT_INLINE float unary(float x, float alpha, float beta) {
  switch (kFn) {
    case UnaryFn::kAbs:
      return absolute(x);
    case UnaryFn::kCelu:
      return x > 0.0f ? x : alpha * expm1(x / alpha);
    case UnaryFn::kClip:
      return at_most(at_least(x, alpha), beta);
    case UnaryFn::kElu:
      return x > 0.0f ? x : alpha * expm1(x);
    case UnaryFn::kErf:
      return erf(x);
    case UnaryFn::kExp:
      return exp(x);
    case UnaryFn::kGelu:
      return 0.5f * x * (1.0f + erf(x * 0.707106781f));
    case UnaryFn::kGeluTanh:
      return 0.5f * x * (1.0f + tanh(0.797884561f * fma(0.044715f * x * x, x, x)));
    case UnaryFn::kHardSigmoid:
      return clip01(fma(alpha, x, beta));
    case UnaryFn::kHardSwish:
      return x * clip01(fma(x, 1.0f / 6, 0.5f));
    case UnaryFn::kLeakyRelu:
      return x < 0.0f ? alpha * x : x;
    case UnaryFn::kLog:
      return log(x);
    case UnaryFn::kMish:
      return x * tanh(softplus(x));
    case UnaryFn::kNeg:
      return -x;
    case UnaryFn::kReciprocal:
      return 1.0f / x;
    case UnaryFn::kRelu:
      return at_least(x, 0.0f);
    case UnaryFn::kSelu:
      return beta * (x > 0.0f ? x : alpha * expm1(x));
    case UnaryFn::kSigmoid:
      return sigmoid(x);
    case UnaryFn::kSoftplus:
      return softplus(x);
    case UnaryFn::kSoftsign:
      return x / (1.0f + absolute(x));
    case UnaryFn::kSqrt:
      return __builtin_sqrtf(x);
    case UnaryFn::kSwish:
      return x / (1.0f + exp(-alpha * x));
    case UnaryFn::kTanh:
      return tanh(x);
    case UnaryFn::kThresholdedRelu:
      return x > alpha ? x : 0.0f;
    default:
      return x;
  }
}

template <UnaryFn kFn>
void unary_loop(float* y, const float* x, int64_t n, float alpha, float beta) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = unary<kFn>(x[i], alpha, beta);
}

template <BinaryFn kFn>
MEMOPT_INLINE float binary(float a, float b) {
  switch (kFn) {
    case BinaryFn::kAdd:
      return a + b;
    case BinaryFn::kSub:
      return a - b;
    case BinaryFn::kMul:
      return a * b;
    case BinaryFn::kDiv:
      return a / b;
    case BinaryFn::kMin:
      return (a != a) | (a < b) ? a : b;
    case BinaryFn::kMax:
      return (a != a) | (a > b) ? a : b;
    case BinaryFn::kPrelu:
      return a < 0.0f ? a * b : a;
    default:
      return a;
  }
}

template <BinaryFn kFn>
void both_loop(float* y, const float* a, const float* b, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = binary<kFn>(a[i], b[i]);
}
template <BinaryFn kFn>
void scalar_b_loop(float* y, const float* a, const float* b, int64_t n) {
  const float value = *b;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = binary<kFn>(a[i], value);
}
template <BinaryFn kFn>
void scalar_a_loop(float* y, const float* a, const float* b, int64_t n) {
  const float value = *a;
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) y[i] = binary<kFn>(value, b[i]);
}

void weigh_loop(float* y, const float* const* x, const float* weights, int64_t taps, int64_t n) {
  if (taps == 2) {
    const float *a = x[0], *b = x[1];
    const float wa = weights[0], wb = weights[1];
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = fma(wb, b[i], wa * a[i]);
    return;
  }
  if (taps == 4) {
    const float *a = x[0], *b = x[1], *c = x[2], *d = x[3];
    const float wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
      y[i] = fma(wd, d[i], fma(wc, c[i], fma(wb, b[i], wa * a[i])));
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) y[i] = 0.0f;
  for (int64_t tap = 0; tap < taps; ++tap) {
    const float* const from = x[tap];
    const float weight = weights[tap];
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) y[i] = fma(weight, from[i], y[i]);
  }
}

template <UnaryFn... kFns>
void set_unary(ElementwiseLoops& loops) {
  ((loops.unary[static_cast<int>(kFns)] = unary_loop<kFns>), ...);
}
template <BinaryFn... kFns>
void set_binary(ElementwiseLoops& loops) {
  ((loops.binary[static_cast<int>(kFns)] = {both_loop<kFns>, scalar_b_loop<kFns>,
                                            scalar_a_loop<kFns>}),
   ...);
}

ElementwiseLoops make_loops() {
  using U = UnaryFn;
  using B = BinaryFn;
  ElementwiseLoops loops;
  set_unary<U::kAbs, U::kCelu, U::kClip, U::kElu, U::kErf, U::kExp, U::kGelu, U::kGeluTanh,
            U::kHardSigmoid, U::kHardSwish, U::kLeakyRelu, U::kLog, U::kMish, U::kNeg,
            U::kReciprocal, U::kRelu, U::kSelu, U::kSigmoid, U::kSoftplus, U::kSoftsign, U::kSqrt,
            U::kSwish, U::kTanh, U::kThresholdedRelu>(loops);
  set_binary<B::kAdd, B::kSub, B::kMul, B::kDiv, B::kMin, B::kMax, B::kPrelu>(loops);
  loops.weigh = weigh_loop;
  return loops;
}

}  // namespace

const ElementwiseLoops& elementwise_loops() {
  static const ElementwiseLoops kLoops = make_loops();
  return kLoops;
}

}  // namespace memopt::MEMOPT_SIMD_NAMESPACE
