// Unary functions as ONNX nodes.
#include <cmath>

#include "compiler/onnx/exporter.h"

namespace memopt {
namespace {

// The ONNX operator of a function; empty for those that export_unary writes out.
std::string_view unary_op_type(UnaryFn fn) {
  switch (fn) {
    case UnaryFn::kIdentity:
      return "Identity";
    case UnaryFn::kAbs:
      return "Abs";
    case UnaryFn::kAcos:
      return "Acos";
    case UnaryFn::kAcosh:
      return "Acosh";
    case UnaryFn::kAsin:
      return "Asin";
    case UnaryFn::kAsinh:
      return "Asinh";
    case UnaryFn::kAtan:
      return "Atan";
    case UnaryFn::kAtanh:
      return "Atanh";
    case UnaryFn::kBitNot:
      return "BitwiseNot";
    case UnaryFn::kCeil:
      return "Ceil";
    case UnaryFn::kCelu:
      return "Celu";
    case UnaryFn::kClip:
      return "Clip";
    case UnaryFn::kCos:
      return "Cos";
    case UnaryFn::kCosh:
      return "Cosh";
    case UnaryFn::kElu:
      return "Elu";
    case UnaryFn::kErf:
      return "Erf";
    case UnaryFn::kExp:
      return "Exp";
    case UnaryFn::kFloor:
      return "Floor";
    case UnaryFn::kGelu:
    case UnaryFn::kGeluTanh:
      return "Gelu";
    case UnaryFn::kHardSigmoid:
      return "HardSigmoid";
    case UnaryFn::kHardSwish:
      return "HardSwish";
    case UnaryFn::kIsInf:
      return "IsInf";
    case UnaryFn::kIsNan:
      return "IsNaN";
    case UnaryFn::kLeakyRelu:
      return "LeakyRelu";
    case UnaryFn::kLog:
      return "Log";
    case UnaryFn::kMish:
      return "Mish";
    case UnaryFn::kNeg:
      return "Neg";
    case UnaryFn::kNot:
      return "Not";
    case UnaryFn::kReciprocal:
      return "Reciprocal";
    case UnaryFn::kRelu:
      return "Relu";
    case UnaryFn::kRound:
      return "Round";
    case UnaryFn::kSelu:
      return "Selu";
    case UnaryFn::kShrink:
      return "Shrink";
    case UnaryFn::kSigmoid:
      return "Sigmoid";
    case UnaryFn::kSign:
      return "Sign";
    case UnaryFn::kSin:
      return "Sin";
    case UnaryFn::kSinh:
      return "Sinh";
    case UnaryFn::kSoftplus:
      return "Softplus";
    case UnaryFn::kSoftsign:
      return "Softsign";
    case UnaryFn::kSqrt:
      return "Sqrt";
    case UnaryFn::kSwish:
      return "";
    case UnaryFn::kTan:
      return "Tan";
    case UnaryFn::kTanh:
      return "Tanh";
    case UnaryFn::kThresholdedRelu:
      return "ThresholdedRelu";
  }
  return "";
}

// Swish came with opset 24; before, it is a product.
Result<std::string> export_swish(Exporter& e, const std::string& x, double alpha, DType type) {
  std::string scaled = x;
  if (alpha != 1) {
    MEMOPT_ASSIGN_OR_RETURN(const std::string factor, e.values(type, {}, {&alpha, 1}));
    scaled = e.emit("Mul", {x, factor});
  }
  const std::string gate = e.emit("Sigmoid", {scaled});
  return e.emit("Mul", {x, gate});
}

Result<std::string> export_clip(Exporter& e, const std::string& x, const Activation& fn,
                                DType type) {
  // Both, infinite ones too: one that is missing would be the largest finite number.
  MEMOPT_ASSIGN_OR_RETURN(const std::string low, e.values(type, {}, {&fn.alpha, 1}));
  MEMOPT_ASSIGN_OR_RETURN(const std::string high, e.values(type, {}, {&fn.beta, 1}));
  return e.emit("Clip", {x, low, high});
}

}  // namespace

Result<std::string> export_unary(Exporter& e, const std::string& value, const Activation& fn,
                                 DType type) {
  if (fn.fn == UnaryFn::kSwish) return export_swish(e, value, fn.alpha, type);
  if (fn.fn == UnaryFn::kClip) return export_clip(e, value, fn, type);
  const std::string result = e.emit(unary_op_type(fn.fn), {value});
  switch (fn.fn) {
    case UnaryFn::kCelu:
    case UnaryFn::kElu:
    case UnaryFn::kLeakyRelu:
    case UnaryFn::kThresholdedRelu:
      e.attr("alpha", fn.alpha);
      break;
    case UnaryFn::kHardSigmoid:
      e.attr("alpha", fn.alpha);
      e.attr("beta", fn.beta);
      break;
    case UnaryFn::kSelu:
      e.attr("alpha", fn.alpha);
      e.attr("gamma", fn.beta);
      break;
    case UnaryFn::kShrink:
      e.attr("lambd", fn.alpha);
      e.attr("bias", fn.beta);
      break;
    case UnaryFn::kIsInf:
      if (type != DType::kF32 && type != DType::kF64) e.need_opset(20);
      e.attr("detect_negative", int64_t{fn.alpha != 0});
      e.attr("detect_positive", int64_t{fn.beta != 0});
      break;
    case UnaryFn::kGelu:
    case UnaryFn::kGeluTanh:
      e.need_opset(20);
      e.attr("approximate", fn.fn == UnaryFn::kGelu ? "none" : "tanh");
      break;
    default:
      break;
  }
  return result;
}

}  // namespace memopt
