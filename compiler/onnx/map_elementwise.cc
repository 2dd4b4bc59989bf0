// Element-wise ONNX operators.
#include <limits>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/types.h"

namespace memopt {
namespace {

Unary unary(UnaryFn fn, double alpha = 0, double beta = 0) {
  return {.fn = {.fn = fn, .alpha = alpha, .beta = beta}};
}
Binary binary(BinaryFn fn) { return {.fn = fn, .activation = {}}; }

template <UnaryFn kFn>
Status map_unary(NodeContext& node) {
  return node.result(unary(kFn), {node.in(0)});
}

// The second operand of a binary operator. Below opset 7 it lines up with the first one's
// dimensions from `axis` on.
Result<ValueId> second_operand(NodeContext& node) {
  const ValueId b = node.in(1);
  if (node.opset() >= 7 || !node.has_attribute("axis")) return b;
  MEMOPT_ASSIGN_OR_RETURN(const int64_t axis, node.axis_of(node.attr_int("axis", 0), node.rank(0)));
  std::vector<int64_t> dims(node.dims(1).begin(), node.dims(1).end());
  const int64_t trailing = node.rank(0) - axis - node.rank(1);
  if (trailing <= 0) return b;
  dims.resize(dims.size() + static_cast<size_t>(trailing), 1);
  return node.emit(Reshape{.dims = dims}, {b});
}

template <BinaryFn kFn>
Status map_binary(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const ValueId b, second_operand(node));
  return node.result(binary(kFn), {node.in(0), b});
}

// The defaults below are f32 numbers in ONNX; as doubles they must be the same numbers.

Status map_celu(NodeContext& node) {
  return node.result(unary(UnaryFn::kCelu, node.attr_float("alpha", 1)), {node.in(0)});
}

Status map_elu(NodeContext& node) {
  return node.result(unary(UnaryFn::kElu, node.attr_float("alpha", 1)), {node.in(0)});
}

Status map_leaky_relu(NodeContext& node) {
  return node.result(unary(UnaryFn::kLeakyRelu, node.attr_float("alpha", 0.01f)), {node.in(0)});
}

Status map_thresholded_relu(NodeContext& node) {
  return node.result(unary(UnaryFn::kThresholdedRelu, node.attr_float("alpha", 1)), {node.in(0)});
}

Status map_hard_sigmoid(NodeContext& node) {
  return node.result(
      unary(UnaryFn::kHardSigmoid, node.attr_float("alpha", 0.2f), node.attr_float("beta", 0.5)),
      {node.in(0)});
}

Status map_selu(NodeContext& node) {
  return node.result(unary(UnaryFn::kSelu, node.attr_float("alpha", 1.67326319217681884765625),
                           node.attr_float("gamma", 1.05070102214813232421875)),
                     {node.in(0)});
}

Status map_shrink(NodeContext& node) {
  return node.result(
      unary(UnaryFn::kShrink, node.attr_float("lambd", 0.5), node.attr_float("bias", 0)),
      {node.in(0)});
}

Status map_swish(NodeContext& node) {
  return node.result(unary(UnaryFn::kSwish, node.attr_float("alpha", 1)), {node.in(0)});
}

Status map_is_inf(NodeContext& node) {
  return node.result(unary(UnaryFn::kIsInf, node.attr_bool("detect_negative", true),
                           node.attr_bool("detect_positive", true)),
                     {node.in(0)});
}

Status map_gelu(NodeContext& node) {
  const std::string approximate = node.attr_string("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    return node.error("unknown approximate '" + approximate + "'");
  }
  return node.result(unary(approximate == "tanh" ? UnaryFn::kGeluTanh : UnaryFn::kGelu),
                     {node.in(0)});
}

Status map_mod(NodeContext& node) {
  return node.result(binary(node.attr_bool("fmod", false) ? BinaryFn::kFmod : BinaryFn::kMod),
                     {node.in(0), node.in(1)});
}

Status map_bit_shift(NodeContext& node) {
  const std::string direction = node.attr_string("direction", "");
  if (direction != "LEFT" && direction != "RIGHT") {
    return node.error("unknown direction '" + direction + "'");
  }
  return node.result(binary(direction == "LEFT" ? BinaryFn::kShiftLeft : BinaryFn::kShiftRight),
                     {node.in(0), node.in(1)});
}

Status map_prelu(NodeContext& node) {
  ValueId slope = node.in(1);
  const Dims& x = node.dims(0);
  const Dims& s = node.type(slope).dims;
  // One slope per channel as a plain list: what opsets below 7 mean, and some exporters write
  // later.
  if ((node.opset() < 7 || !broadcast(x, s)) && s.rank() == 1 && x.rank() >= 2 && s[0] == x[1]) {
    std::vector<int64_t> dims(static_cast<size_t>(x.rank() - 1), 1);
    dims[0] = s[0];
    MEMOPT_ASSIGN_OR_RETURN(slope, node.emit(Reshape{.dims = dims}, {slope}));
  }
  return node.result(binary(BinaryFn::kPrelu), {node.in(0), slope});
}

// Max, Min and Sum of any number of operands: a chain.
Result<ValueId> emit_chain(NodeContext& node, BinaryFn fn) {
  ValueId result = node.in(0);
  for (int i = 1; i < node.input_count(); ++i) {
    if (!node.has(i)) return node.error("operand " + std::to_string(i) + " is missing");
    MEMOPT_ASSIGN_OR_RETURN(result, node.emit(binary(fn), {result, node.in(i)}));
  }
  return result;
}

template <BinaryFn kFn>
Status map_variadic(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const ValueId result, emit_chain(node, kFn));
  node.bind(0, result);
  return {};
}

Status map_mean(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const ValueId sum, emit_chain(node, BinaryFn::kAdd));
  const DType dtype = node.type(sum).dtype;
  if (!is_float(dtype)) return node.error("needed a float type, found " + to_string(node.type(0)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId share,
                          node.constant_scalar(dtype, 1.0 / node.input_count()));
  return node.result(binary(BinaryFn::kMul), {sum, share});
}

// The bound in operand `i` of Clip as a number; nullopt where it is not a constant float.
std::optional<double> constant_bound(NodeContext& node, int i, double missing) {
  if (!node.has(i)) return missing;
  if (!node.builder().graph().is_constant(node.in(i)) || node.type(i).count() != 1) {
    return std::nullopt;
  }
  const auto values =
      floats_of(node.type(i), node.builder().graph().value(node.in(i)).data->bytes());
  return values && (*values)[0] == (*values)[0] ? std::optional((*values)[0]) : std::nullopt;
}

// The largest finite number of a float type: what ONNX clips to where a bound is missing, so that
// infinities never pass.
double largest_finite(DType type) {
  switch (type) {
    case DType::kF16:
      return 65504;
    case DType::kBF16:
      return 0x1.FEp127;
    case DType::kF64:
      return std::numeric_limits<double>::max();
    default:
      return std::numeric_limits<float>::max();
  }
}

// Bounds that are operands, of which one at least is not known yet. Integers need none.
Status map_clip_operands(NodeContext& node) {
  ValueId bounds[] = {node.in(1), node.in(2)};
  const DType dtype = node.type(0).dtype;
  for (const size_t i : {0U, 1U}) {
    if (bounds[i] || !is_float(dtype)) continue;
    const double missing = i == 0 ? -largest_finite(dtype) : largest_finite(dtype);
    MEMOPT_ASSIGN_OR_RETURN(bounds[i], node.constant_scalar(dtype, missing));
  }
  return node.result(Clip{}, {node.in(0), bounds[0], bounds[1]});
}

Status map_clip(NodeContext& node) {
  const bool bounds_are_attributes = node.opset() < 11;
  const DType dtype = node.type(0).dtype;
  if (bounds_are_attributes && !is_float(dtype)) return node.error("needed a float type");
  std::optional<double> low, high;
  if (bounds_are_attributes) {  // f32 numbers, whatever the type
    low = node.attr_float("min", std::numeric_limits<float>::lowest());
    high = node.attr_float("max", std::numeric_limits<float>::max());
  } else {
    low = constant_bound(node, 1, -largest_finite(dtype));
    high = constant_bound(node, 2, largest_finite(dtype));
  }
  // Integers beyond 2^53 are no doubles, so only floats take the form that fuses.
  if (!low || !high || !is_float(dtype)) return map_clip_operands(node);
  return node.result(unary(UnaryFn::kClip, *low, *high), {node.in(0)});
}

Result<Cast> cast_to(NodeContext& node, DType to) {
  const std::string rounding = node.attr_string("round_mode", "up");
  if (to == DType::kF8E8M0 && rounding != "up") {
    return node.error("round_mode '" + rounding + "' is not supported, only 'up'");
  }
  return Cast{.to = to, .saturate = node.attr_bool("saturate", true)};
}

Status map_cast(NodeContext& node) {
  const int64_t to = node.attr_int("to", 0);
  const std::optional<DType> dtype = dtype_from_onnx(to);
  if (!dtype) return node.error("element type " + onnx_dtype_name(to) + " is not supported");
  MEMOPT_ASSIGN_OR_RETURN(const Cast cast, cast_to(node, *dtype));
  if (node.type(0).dtype == *dtype) {
    node.bind(0, node.in(0));
    return {};
  }
  return node.result(cast, {node.in(0)});
}

Status map_cast_like(NodeContext& node) {
  const DType dtype = node.type(1).dtype;
  MEMOPT_ASSIGN_OR_RETURN(const Cast cast, cast_to(node, dtype));
  if (node.type(0).dtype == dtype) {
    node.bind(0, node.in(0));
    return {};
  }
  return node.result(cast, {node.in(0)});
}

Status map_where(NodeContext& node) {
  return node.result(Where{}, {node.in(0), node.in(1), node.in(2)});
}

// --- experimental operators of the first ONNX versions, still found in files ---

// y = alpha x + beta.
Status map_affine(NodeContext& node) {
  const DType dtype = node.type(0).dtype;
  if (!is_float(dtype)) return node.error("needed a float type, found " + to_string(node.type(0)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId alpha,
                          node.constant_scalar(dtype, node.attr_float("alpha", 1)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId beta,
                          node.constant_scalar(dtype, node.attr_float("beta", 0)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId scaled,
                          node.emit(binary(BinaryFn::kMul), {node.in(0), alpha}));
  return node.result(binary(BinaryFn::kAdd), {scaled, beta});
}

// y = scale x + bias[channel].
Status map_image_scaler(NodeContext& node) {
  const DType dtype = node.type(0).dtype;
  const std::vector<double> bias = node.attr_floats("bias");
  if (!is_float(dtype) || node.rank(0) != 4 ||
      static_cast<int64_t>(bias.size()) != node.dims(0)[1]) {
    return node.error("needed a float image batch and one bias per channel, found " +
                      to_string(node.type(0)) + " and " + std::to_string(bias.size()));
  }
  MEMOPT_ASSIGN_OR_RETURN(const ValueId scale,
                          node.constant_scalar(dtype, node.attr_float("scale", 1)));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId offset,
                          node.constant_values(dtype, {node.dims(0)[1], 1, 1}, bias));
  MEMOPT_ASSIGN_OR_RETURN(const ValueId scaled,
                          node.emit(binary(BinaryFn::kMul), {node.in(0), scale}));
  return node.result(binary(BinaryFn::kAdd), {scaled, offset});
}

constexpr int kMany = 1 << 20;

constexpr NodeMapping kMappings[] = {
    {"Abs", 1, 1, map_unary<UnaryFn::kAbs>},
    {"Acos", 1, 1, map_unary<UnaryFn::kAcos>},
    {"Acosh", 1, 1, map_unary<UnaryFn::kAcosh>},
    {"Add", 2, 2, map_binary<BinaryFn::kAdd>},
    {"Affine", 1, 1, map_affine},
    {"And", 2, 2, map_binary<BinaryFn::kAnd>},
    {"Asin", 1, 1, map_unary<UnaryFn::kAsin>},
    {"Asinh", 1, 1, map_unary<UnaryFn::kAsinh>},
    {"Atan", 1, 1, map_unary<UnaryFn::kAtan>},
    {"Atanh", 1, 1, map_unary<UnaryFn::kAtanh>},
    {"BitShift", 2, 2, map_bit_shift},
    {"BitwiseAnd", 2, 2, map_binary<BinaryFn::kBitAnd>},
    {"BitwiseNot", 1, 1, map_unary<UnaryFn::kBitNot>},
    {"BitwiseOr", 2, 2, map_binary<BinaryFn::kBitOr>},
    {"BitwiseXor", 2, 2, map_binary<BinaryFn::kBitXor>},
    {"Cast", 1, 1, map_cast},
    {"CastLike", 2, 2, map_cast_like},
    {"Ceil", 1, 1, map_unary<UnaryFn::kCeil>},
    {"Celu", 1, 1, map_celu},
    {"Clip", 1, 3, map_clip},
    {"Cos", 1, 1, map_unary<UnaryFn::kCos>},
    {"Cosh", 1, 1, map_unary<UnaryFn::kCosh>},
    {"Div", 2, 2, map_binary<BinaryFn::kDiv>},
    {"Elu", 1, 1, map_elu},
    {"Equal", 2, 2, map_binary<BinaryFn::kEqual>},
    {"Erf", 1, 1, map_unary<UnaryFn::kErf>},
    {"Exp", 1, 1, map_unary<UnaryFn::kExp>},
    {"Floor", 1, 1, map_unary<UnaryFn::kFloor>},
    {"Gelu", 1, 1, map_gelu},
    {"Gelu", 1, 1, map_gelu, kMicrosoftDomain},
    {"Greater", 2, 2, map_binary<BinaryFn::kGreater>},
    {"GreaterOrEqual", 2, 2, map_binary<BinaryFn::kGreaterOrEqual>},
    {"HardSigmoid", 1, 1, map_hard_sigmoid},
    {"HardSwish", 1, 1, map_unary<UnaryFn::kHardSwish>},
    {"ImageScaler", 1, 1, map_image_scaler},
    {"IsInf", 1, 1, map_is_inf},
    {"IsNaN", 1, 1, map_unary<UnaryFn::kIsNan>},
    {"LeakyRelu", 1, 1, map_leaky_relu},
    {"Less", 2, 2, map_binary<BinaryFn::kLess>},
    {"LessOrEqual", 2, 2, map_binary<BinaryFn::kLessOrEqual>},
    {"Log", 1, 1, map_unary<UnaryFn::kLog>},
    {"Max", 1, kMany, map_variadic<BinaryFn::kMax>},
    {"Mean", 1, kMany, map_mean},
    {"Min", 1, kMany, map_variadic<BinaryFn::kMin>},
    {"Mish", 1, 1, map_unary<UnaryFn::kMish>},
    {"Mod", 2, 2, map_mod},
    {"Mul", 2, 2, map_binary<BinaryFn::kMul>},
    {"Neg", 1, 1, map_unary<UnaryFn::kNeg>},
    {"Not", 1, 1, map_unary<UnaryFn::kNot>},
    {"Or", 2, 2, map_binary<BinaryFn::kOr>},
    {"PRelu", 2, 2, map_prelu},
    {"Pow", 2, 2, map_binary<BinaryFn::kPow>},
    {"Reciprocal", 1, 1, map_unary<UnaryFn::kReciprocal>},
    {"Relu", 1, 1, map_unary<UnaryFn::kRelu>},
    {"Round", 1, 1, map_unary<UnaryFn::kRound>},
    {"Selu", 1, 1, map_selu},
    {"Shrink", 1, 1, map_shrink},
    {"Sigmoid", 1, 1, map_unary<UnaryFn::kSigmoid>},
    {"Sign", 1, 1, map_unary<UnaryFn::kSign>},
    {"Sin", 1, 1, map_unary<UnaryFn::kSin>},
    {"Sinh", 1, 1, map_unary<UnaryFn::kSinh>},
    {"Softplus", 1, 1, map_unary<UnaryFn::kSoftplus>},
    {"Softsign", 1, 1, map_unary<UnaryFn::kSoftsign>},
    {"Sqrt", 1, 1, map_unary<UnaryFn::kSqrt>},
    {"Sub", 2, 2, map_binary<BinaryFn::kSub>},
    {"Sum", 1, kMany, map_variadic<BinaryFn::kAdd>},
    {"Swish", 1, 1, map_swish},
    {"Tan", 1, 1, map_unary<UnaryFn::kTan>},
    {"Tanh", 1, 1, map_unary<UnaryFn::kTanh>},
    {"ThresholdedRelu", 1, 1, map_thresholded_relu},
    {"Where", 3, 3, map_where},
    {"Xor", 2, 2, map_binary<BinaryFn::kXor>},
};

}  // namespace

std::span<const NodeMapping> elementwise_mappings() { return kMappings; }

}  // namespace memopt
