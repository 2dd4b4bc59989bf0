#include "runtime/ops/band_rules.h"
#include "runtime/ops/infer_checks.h"

namespace memopt {
namespace {

// The functions that are defined on integers as well as on floats.
bool takes_integers(UnaryFn fn) {
  switch (fn) {
    case UnaryFn::kAbs:
    case UnaryFn::kClip:
    case UnaryFn::kNeg:
    case UnaryFn::kRelu:
    case UnaryFn::kSign:
      return true;
    default:
      return false;
  }
}

Status check_unary(UnaryFn fn, const TensorType& x) {
  const std::string name(enum_name(fn));
  switch (fn) {
    case UnaryFn::kIdentity:
      return {};
    case UnaryFn::kNot:
      return check_dtype(name, x, DType::kBool);
    case UnaryFn::kBitNot:
      return is_integer(x.dtype) && dtype_bits(x.dtype) >= 8 ? Status()
                                                             : needed(name, "integers", x);
    case UnaryFn::kIsInf:
    case UnaryFn::kIsNan:
      return is_float(x.dtype) && dtype_bits(x.dtype) >= 8 ? Status() : needed(name, "floats", x);
    default:
      break;
  }
  if (takes_integers(fn)) return check_number(name, x);
  return is_number_float(x.dtype) ? Status() : needed(name, "floats", x);
}

bool returns_bool(UnaryFn fn) { return fn == UnaryFn::kIsInf || fn == UnaryFn::kIsNan; }

Result<std::vector<TensorType>> infer_unary(const Op& op, InputTypes inputs) {
  const UnaryFn fn = std::get<Unary>(op).fn.fn;
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_unary(fn, x));
  return row_major_result(returns_bool(fn) ? DType::kBool : x.dtype, x.dims);
}

Status check_binary(BinaryFn fn, const TensorType& a, const TensorType& b) {
  const std::string name(enum_name(fn));
  if (fn != BinaryFn::kPow && a.dtype != b.dtype) {
    return needed(name, "operands of one element type", to_string(a) + " and " + to_string(b));
  }
  switch (fn) {
    case BinaryFn::kAdd:
    case BinaryFn::kSub:
    case BinaryFn::kMul:
    case BinaryFn::kDiv:
    case BinaryFn::kFmod:
    case BinaryFn::kMin:
    case BinaryFn::kMax:
    case BinaryFn::kPrelu:
    case BinaryFn::kLess:
    case BinaryFn::kLessOrEqual:
    case BinaryFn::kGreater:
    case BinaryFn::kGreaterOrEqual:
      return check_number(name, a);
    case BinaryFn::kPow:
      MEMOPT_RETURN_IF_ERROR(check_number("pow: base", a));
      return check_number("pow: exponent", b);
    case BinaryFn::kEqual:
      return a.dtype == DType::kBool ? Status() : check_number(name, a);
    case BinaryFn::kAnd:
    case BinaryFn::kOr:
    case BinaryFn::kXor:
      return check_dtype(name, a, DType::kBool);
    case BinaryFn::kMod:
    case BinaryFn::kBitAnd:
    case BinaryFn::kBitOr:
    case BinaryFn::kBitXor:
      return is_number(a.dtype) && is_integer(a.dtype) ? Status() : needed(name, "integers", a);
    case BinaryFn::kShiftLeft:
    case BinaryFn::kShiftRight:
      return is_number(a.dtype) && is_unsigned_integer(a.dtype)
                 ? Status()
                 : needed(name, "unsigned integers", a);
  }
  return {};
}

Result<Dims> broadcast_shapes(const Dims& a, const Dims& b) {
  const std::optional<Dims> dims = broadcast(a, b);
  if (dims) return *dims;
  return needed("shapes", "dimensions that are equal or 1", to_string(a) + " and " + to_string(b));
}

Result<std::vector<TensorType>> infer_binary(const Op& op, InputTypes inputs) {
  const Binary& binary = std::get<Binary>(op);
  const TensorType& a = *inputs[0];
  const TensorType& b = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_binary(binary.fn, a, b));
  MEMOPT_ASSIGN_OR_RETURN(const Dims dims, broadcast_shapes(a.dims, b.dims));
  const DType dtype = is_comparison(binary.fn) ? DType::kBool : a.dtype;
  auto types = row_major_result(dtype, dims);
  if (returns_bool(binary.activation.fn)) {
    return needed("activation", "a function that keeps the type", to_string(binary.activation));
  }
  MEMOPT_RETURN_IF_ERROR(check_unary(binary.activation.fn, types[0]));
  return types;
}

Result<std::vector<TensorType>> infer_clip(const Op&, InputTypes inputs) {
  const TensorType& x = *inputs[0];
  MEMOPT_RETURN_IF_ERROR(check_number("x", x));
  for (size_t i = 1; i < 3; ++i) {
    const TensorType* bound = optional_input(inputs, i);
    if (bound == nullptr) continue;
    const std::string_view name = i == 1 ? "lo" : "hi";
    MEMOPT_RETURN_IF_ERROR(check_dtype(name, *bound, x.dtype));
    MEMOPT_RETURN_IF_ERROR(check_scalar(name, *bound));
  }
  return row_major_result(x.dtype, x.dims);
}

Result<std::vector<TensorType>> infer_where(const Op&, InputTypes inputs) {
  const TensorType& a = *inputs[1];
  MEMOPT_RETURN_IF_ERROR(check_dtype("condition", *inputs[0], DType::kBool));
  MEMOPT_RETURN_IF_ERROR(check_dtype("b", *inputs[2], a.dtype));
  MEMOPT_ASSIGN_OR_RETURN(const Dims values, broadcast_shapes(a.dims, inputs[2]->dims));
  MEMOPT_ASSIGN_OR_RETURN(const Dims dims, broadcast_shapes(inputs[0]->dims, values));
  return row_major_result(a.dtype, dims);
}

bool is_complex(DType type) { return type == DType::kC64 || type == DType::kC128; }

Result<std::vector<TensorType>> infer_cast(const Op& op, InputTypes inputs) {
  const DType to = std::get<Cast>(op).to;
  const TensorType& x = *inputs[0];
  if ((is_complex(to) || is_complex(x.dtype)) && to != x.dtype) {
    return needed("x", "a real type that casts to " + std::string(dtype_name(to)), x);
  }
  return row_major_result(to, x.dims);
}

constexpr OpDef elementwise(int min_inputs, int max_inputs, decltype(OpDef::infer) infer) {
  OpDef def;
  def.min_inputs = min_inputs;
  def.max_inputs = max_inputs;
  def.infer = infer;
  def.layout = LayoutRule::kFollows;
  def.band = broadcast_band;
  def.operations = count_outputs;
  return def;
}

}  // namespace

const OpDef& Unary_def() {
  static constexpr OpDef kDef = elementwise(1, 1, infer_unary);
  return kDef;
}

const OpDef& Binary_def() {
  static constexpr OpDef kDef = elementwise(2, 2, infer_binary);
  return kDef;
}

const OpDef& Clip_def() {
  static constexpr OpDef kDef = elementwise(1, 3, infer_clip);
  return kDef;
}

const OpDef& Where_def() {
  static constexpr OpDef kDef = elementwise(3, 3, infer_where);
  return kDef;
}

const OpDef& Cast_def() {
  static constexpr OpDef kDef = elementwise(1, 1, infer_cast);
  return kDef;
}

}  // namespace memopt
