// The element-wise functions on one value, as their comments in runtime/ops/elementwise.h define
// them. C is float, double or an integer type; the switch disappears where `fn` is a constant.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "runtime/kernels/element.h"
#include "runtime/ops/elementwise.h"

namespace memopt {

// Integer arithmetic modulo 2^bits, never undefined.
template <typename C>
C wrap_add(C a, C b) {
  return static_cast<C>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
template <typename C>
C wrap_sub(C a, C b) {
  return static_cast<C>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
template <typename C>
C wrap_mul(C a, C b) {
  return static_cast<C>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// Truncating; 0 for a divisor of 0.
template <typename C>
C safe_div(C a, C b) {
  if (b == 0) return 0;
  if (std::is_signed_v<C> && b == C(-1)) return wrap_sub<C>(0, a);
  return static_cast<C>(a / b);
}
// Sign of the dividend; 0 for a divisor of 0.
template <typename C>
C safe_fmod(C a, C b) {
  if (b == 0 || (std::is_signed_v<C> && b == C(-1))) return 0;
  return static_cast<C>(a % b);
}
// Sign of the divisor; 0 for a divisor of 0.
template <typename C>
C safe_mod(C a, C b) {
  const C rest = safe_fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? static_cast<C>(rest + b) : rest;
}

// By squaring; a negative exponent truncates the true value, and 0 to a negative power gives 0.
template <typename C, typename E>
C integer_pow(C base, E exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (std::is_signed_v<C> && base == C(-1)) return exponent % 2 == 0 ? C(1) : C(-1);
    return 0;
  }
  C result = 1;
  C square = base;
  for (auto rest = static_cast<uint64_t>(exponent); rest > 0; rest >>= 1) {
    if (rest & 1) result = wrap_mul(result, square);
    square = wrap_mul(square, square);
  }
  return result;
}

template <typename C>
C unary_float(UnaryFn fn, C x, C alpha, C beta) {
  constexpr C kHalf = C(0.5), kOne = C(1), kZero = C(0);
  const auto clip01 = [](C v) { return v < C(0) ? C(0) : v > C(1) ? C(1) : v; };
  const auto softplus = [](C v) {
    return v > C(0) ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v));
  };
  switch (fn) {
    case UnaryFn::kIdentity:
      return x;
    case UnaryFn::kAbs:
      return std::fabs(x);
    case UnaryFn::kAcos:
      return std::acos(x);
    case UnaryFn::kAcosh:
      return std::acosh(x);
    case UnaryFn::kAsin:
      return std::asin(x);
    case UnaryFn::kAsinh:
      return std::asinh(x);
    case UnaryFn::kAtan:
      return std::atan(x);
    case UnaryFn::kAtanh:
      return std::atanh(x);
    case UnaryFn::kCeil:
      return std::ceil(x);
    case UnaryFn::kCelu:
      return x > kZero ? x : alpha * std::expm1(x / alpha);
    case UnaryFn::kClip: {
      const C raised = x < alpha ? alpha : x;
      return raised > beta ? beta : raised;
    }
    case UnaryFn::kCos:
      return std::cos(x);
    case UnaryFn::kCosh:
      return std::cosh(x);
    case UnaryFn::kElu:
      return x > kZero ? x : alpha * std::expm1(x);
    case UnaryFn::kErf:
      return std::erf(x);
    case UnaryFn::kExp:
      return std::exp(x);
    case UnaryFn::kFloor:
      return std::floor(x);
    case UnaryFn::kGelu:
      return kHalf * x * (kOne + std::erf(x * C(0.70710678118654752440)));
    case UnaryFn::kGeluTanh:
      return kHalf * x *
             (kOne + std::tanh(C(0.79788456080286535588) * (x + C(0.044715) * x * x * x)));
    case UnaryFn::kHardSigmoid:
      return clip01(alpha * x + beta);
    case UnaryFn::kHardSwish:
      return x * clip01(x / C(6) + kHalf);
    case UnaryFn::kLeakyRelu:
      return x < kZero ? alpha * x : x;
    case UnaryFn::kLog:
      return std::log(x);
    case UnaryFn::kMish:
      return x * std::tanh(softplus(x));
    case UnaryFn::kNeg:
      return -x;
    case UnaryFn::kReciprocal:
      return kOne / x;
    case UnaryFn::kRelu:
      return x < kZero ? kZero : x;
    case UnaryFn::kRound:
      return std::nearbyint(x);
    case UnaryFn::kSelu:
      return beta * (x > kZero ? x : alpha * std::expm1(x));
    case UnaryFn::kShrink:
      return x < -alpha ? x + beta : x > alpha ? x - beta : kZero;
    case UnaryFn::kSigmoid:
      return kOne / (kOne + std::exp(-x));
    case UnaryFn::kSign:
      return x > kZero ? kOne : x < kZero ? -kOne : x;
    case UnaryFn::kSin:
      return std::sin(x);
    case UnaryFn::kSinh:
      return std::sinh(x);
    case UnaryFn::kSoftplus:
      return softplus(x);
    case UnaryFn::kSoftsign:
      return x / (kOne + std::fabs(x));
    case UnaryFn::kSqrt:
      return std::sqrt(x);
    case UnaryFn::kSwish:
      return x / (kOne + std::exp(-alpha * x));
    case UnaryFn::kTan:
      return std::tan(x);
    case UnaryFn::kTanh:
      return std::tanh(x);
    case UnaryFn::kThresholdedRelu:
      return x > alpha ? x : kZero;
    case UnaryFn::kBitNot:
    case UnaryFn::kNot:
    case UnaryFn::kIsInf:
    case UnaryFn::kIsNan:
      break;  // they do not map floats to floats; type inference keeps them out
  }
  return std::numeric_limits<C>::quiet_NaN();
}

template <typename C>
C unary_integer(UnaryFn fn, C x, C alpha, C beta) {
  switch (fn) {
    case UnaryFn::kAbs:
      return x < 0 ? wrap_sub<C>(0, x) : x;
    case UnaryFn::kBitNot:
      return static_cast<C>(~x);
    case UnaryFn::kClip: {
      const C raised = x < alpha ? alpha : x;
      return raised > beta ? beta : raised;
    }
    case UnaryFn::kNeg:
      return wrap_sub<C>(0, x);
    case UnaryFn::kRelu:
      return x < 0 ? C(0) : x;
    case UnaryFn::kSign:
      return static_cast<C>((x > 0) - (x < 0));
    default:
      return x;  // identity; type inference keeps the others out
  }
}

template <typename C>
C unary_value(UnaryFn fn, C x, C alpha, C beta) {
  if constexpr (std::is_floating_point_v<C>) {
    return unary_float(fn, x, alpha, beta);
  } else {
    return unary_integer(fn, x, alpha, beta);
  }
}

// For the epilogues of other operators.
template <typename C>
C activate(const Activation& activation, C x) {
  return unary_value(activation.fn, x, convert<C>(activation.alpha), convert<C>(activation.beta));
}

// The functions whose result has the operands' type. Min and max propagate NaN.
template <typename C>
C binary_value(BinaryFn fn, C a, C b) {
  constexpr bool kFloat = std::is_floating_point_v<C>;
  switch (fn) {
    case BinaryFn::kAdd:
      if constexpr (kFloat) return a + b;
      return wrap_add(a, b);
    case BinaryFn::kSub:
      if constexpr (kFloat) return a - b;
      return wrap_sub(a, b);
    case BinaryFn::kMul:
      if constexpr (kFloat) return a * b;
      return wrap_mul(a, b);
    case BinaryFn::kDiv:
      if constexpr (kFloat) {
        return a / b;
      } else {
        return safe_div(a, b);
      }
    case BinaryFn::kPow:
      if constexpr (kFloat) {
        return std::pow(a, b);
      } else {
        return integer_pow(a, b);
      }
    case BinaryFn::kFmod:
      if constexpr (kFloat) {
        return std::fmod(a, b);
      } else {
        return safe_fmod(a, b);
      }
    case BinaryFn::kMin:
      return a != a || a < b ? a : b;
    case BinaryFn::kMax:
      return a != a || a > b ? a : b;
    case BinaryFn::kPrelu:
      if constexpr (kFloat) return a < 0 ? a * b : a;
      return a < 0 ? wrap_mul(a, b) : a;
    default:
      break;
  }
  if constexpr (!kFloat) {
    switch (fn) {
      case BinaryFn::kMod:
        return safe_mod(a, b);
      case BinaryFn::kBitAnd:
        return static_cast<C>(a & b);
      case BinaryFn::kBitOr:
        return static_cast<C>(a | b);
      case BinaryFn::kBitXor:
        return static_cast<C>(a ^ b);
      case BinaryFn::kShiftLeft:
        return b >= C(sizeof(C) * 8) ? C(0) : static_cast<C>(static_cast<uint64_t>(a) << b);
      case BinaryFn::kShiftRight:
        return b >= C(sizeof(C) * 8) ? C(0) : static_cast<C>(a >> b);
      default:
        break;
    }
  }
  return a;  // type inference keeps the others out
}

template <typename C>
bool compare(BinaryFn fn, C a, C b) {
  switch (fn) {
    case BinaryFn::kEqual:
      return a == b;
    case BinaryFn::kLess:
      return a < b;
    case BinaryFn::kLessOrEqual:
      return a <= b;
    case BinaryFn::kGreater:
      return a > b;
    case BinaryFn::kGreaterOrEqual:
      return a >= b;
    default:
      return false;
  }
}

}  // namespace memopt
