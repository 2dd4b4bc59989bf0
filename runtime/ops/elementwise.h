// Element-wise operators. Shapes broadcast as in NumPy; all kernels work on every layout whose
// operands agree.
#pragma once

#include <string_view>
#include <tuple>

#include "runtime/base/dtype.h"
#include "runtime/base/float8.h"
#include "runtime/ops/fields.h"

namespace memopt {

enum class UnaryFn : uint8_t {
  kIdentity,
  kAbs,
  kAcos,
  kAcosh,
  kAsin,
  kAsinh,
  kAtan,
  kAtanh,
  kBitNot,
  kCeil,
  kCelu,  // alpha
  kClip,  // to [alpha, beta]
  kCos,
  kCosh,
  kElu,  // alpha
  kErf,
  kExp,
  kFloor,
  kGelu,         // exact, with erf
  kGeluTanh,     // the tanh approximation
  kHardSigmoid,  // clip(alpha x + beta, 0, 1)
  kHardSwish,    // x clip(x/6 + 1/2, 0, 1)
  kIsInf,        // alpha != 0: detect -inf, beta != 0: detect +inf; bool output
  kIsNan,        // bool output
  kLeakyRelu,    // alpha
  kLog,
  kMish,
  kNeg,
  kNot,
  kReciprocal,
  kRelu,
  kRound,   // half to even
  kSelu,    // alpha, beta = gamma
  kShrink,  // alpha = lambd, beta = bias
  kSigmoid,
  kSign,
  kSin,
  kSinh,
  kSoftplus,
  kSoftsign,
  kSqrt,
  kSwish,  // x sigmoid(alpha x)
  kTan,
  kTanh,
  kThresholdedRelu,  // alpha
};
template <>
struct EnumNames<UnaryFn> {
  static constexpr std::string_view kNames[] = {
      "identity",     "abs",        "acos",   "acosh",    "asin",
      "asinh",        "atan",       "atanh",  "bit_not",  "ceil",
      "celu",         "clip",       "cos",    "cosh",     "elu",
      "erf",          "exp",        "floor",  "gelu",     "gelu_tanh",
      "hard_sigmoid", "hard_swish", "is_inf", "is_nan",   "leaky_relu",
      "log",          "mish",       "neg",    "not",      "reciprocal",
      "relu",         "round",      "selu",   "shrink",   "sigmoid",
      "sign",         "sin",        "sinh",   "softplus", "softsign",
      "sqrt",         "swish",      "tan",    "tanh",     "thresholded_relu"};
};

// A unary function with its parameters, also as the epilogue of a contraction. Text: "relu",
// "clip(0,6)".
struct Activation {
  UnaryFn fn = UnaryFn::kIdentity;
  double alpha = 0;
  double beta = 0;
  bool operator==(const Activation&) const = default;
};

// y = fn(x). Inputs: x. The output has x's type (bool for is_inf and is_nan).
struct Unary {
  static constexpr std::string_view kName = "unary";
  Activation fn;
  static constexpr auto fields() { return std::tuple{Field{"fn", &Unary::fn}}; }
  bool operator==(const Unary&) const = default;
};

enum class BinaryFn : uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,   // integers truncate; division by zero gives 0
  kPow,   // the output has the type of the base
  kMod,   // sign of the divisor (integers)
  kFmod,  // sign of the dividend
  kMin,
  kMax,
  kPrelu,  // a < 0 ? a * b : a
  kAnd,
  kOr,
  kXor,
  kBitAnd,
  kBitOr,
  kBitXor,
  kShiftLeft,
  kShiftRight,
  kEqual,  // this and the following: bool output
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
};
template <>
struct EnumNames<BinaryFn> {
  static constexpr std::string_view kNames[] = {"add",
                                                "sub",
                                                "mul",
                                                "div",
                                                "pow",
                                                "mod",
                                                "fmod",
                                                "min",
                                                "max",
                                                "prelu",
                                                "and",
                                                "or",
                                                "xor",
                                                "bit_and",
                                                "bit_or",
                                                "bit_xor",
                                                "shift_left",
                                                "shift_right",
                                                "equal",
                                                "less",
                                                "less_or_equal",
                                                "greater",
                                                "greater_or_equal"};
};
constexpr bool is_comparison(BinaryFn fn) { return fn >= BinaryFn::kEqual; }

// y = activation(fn(a, b)). Inputs: a, b of one element type (pow: the exponent's may differ).
struct Binary {
  static constexpr std::string_view kName = "binary";
  BinaryFn fn = BinaryFn::kAdd;
  Activation activation;
  static constexpr auto fields() {
    return std::tuple{Field{"fn", &Binary::fn}, Field{"activation", &Binary::activation}};
  }
  bool operator==(const Binary&) const = default;
};

// y = min(max(x, lo), hi). Inputs: x, lo?, hi? (scalars; a missing one does not bound).
struct Clip {
  static constexpr std::string_view kName = "clip";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const Clip&) const = default;
};

// y = condition ? a : b. Inputs: condition (bool), a, b.
struct Where {
  static constexpr std::string_view kName = "where";
  static constexpr auto fields() { return std::tuple{}; }
  bool operator==(const Where&) const = default;
};

template <>
struct EnumNames<E8M0Round> {
  static constexpr std::string_view kNames[] = {"up", "down", "nearest"};
};

// y = x converted to `to`, by ONNX's Cast rules. `saturate` governs conversions to 8-bit floats,
// `round_mode` those to f8e8m0.
struct Cast {
  static constexpr std::string_view kName = "cast";
  DType to = DType::kF32;
  bool saturate = true;
  E8M0Round round_mode = E8M0Round::kUp;
  static constexpr auto fields() {
    return std::tuple{Field{"to", &Cast::to}, Field{"saturate", &Cast::saturate},
                      Field{"round_mode", &Cast::round_mode}};
  }
  bool operator==(const Cast&) const = default;
};

}  // namespace memopt
