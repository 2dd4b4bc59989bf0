// Operators as ONNX nodes: one overload per operator, chosen by std::visit, so that a new operator
// without one does not compile.
#include <cmath>
#include <limits>
#include <numeric>

#include "compiler/onnx/exporter.h"
#include "compiler/onnx/tensor.h"
#include "compiler/onnx/types.h"

namespace memopt {
namespace {

std::string_view binary_op_type(BinaryFn fn) {
  switch (fn) {
    case BinaryFn::kAdd:
      return "Add";
    case BinaryFn::kSub:
      return "Sub";
    case BinaryFn::kMul:
      return "Mul";
    case BinaryFn::kDiv:
      return "Div";
    case BinaryFn::kPow:
      return "Pow";
    case BinaryFn::kMod:
    case BinaryFn::kFmod:
      return "Mod";
    case BinaryFn::kMin:
      return "Min";
    case BinaryFn::kMax:
      return "Max";
    case BinaryFn::kPrelu:
      return "PRelu";
    case BinaryFn::kAnd:
      return "And";
    case BinaryFn::kOr:
      return "Or";
    case BinaryFn::kXor:
      return "Xor";
    case BinaryFn::kBitAnd:
      return "BitwiseAnd";
    case BinaryFn::kBitOr:
      return "BitwiseOr";
    case BinaryFn::kBitXor:
      return "BitwiseXor";
    case BinaryFn::kShiftLeft:
    case BinaryFn::kShiftRight:
      return "BitShift";
    case BinaryFn::kEqual:
      return "Equal";
    case BinaryFn::kLess:
      return "Less";
    case BinaryFn::kLessOrEqual:
      return "LessOrEqual";
    case BinaryFn::kGreater:
      return "Greater";
    case BinaryFn::kGreaterOrEqual:
      return "GreaterOrEqual";
  }
  return "";
}

// --- element-wise ---

Status write(Exporter& e, const Unary& op) {
  MEMOPT_ASSIGN_OR_RETURN(std::string y, export_unary(e, e.input(0), op.fn, e.type(0).dtype));
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Binary& op) {
  std::string y = e.emit(binary_op_type(op.fn), {e.input(0), e.input(1)});
  if (op.fn == BinaryFn::kFmod) e.attr("fmod", int64_t{1});
  if (op.fn == BinaryFn::kShiftLeft) e.attr("direction", "LEFT");
  if (op.fn == BinaryFn::kShiftRight) e.attr("direction", "RIGHT");
  return e.finish(std::move(y), op.activation);
}

Status write(Exporter& e, const Clip&) {
  std::string bounds[] = {e.input(1), e.input(2)};
  const DType type = e.type(0).dtype;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const size_t i : {0U, 1U}) {  // a missing bound does not bound; ONNX's would be finite
    if (!bounds[i].empty() || !is_float(type)) continue;
    const double bound = i == 0 ? -kInfinity : kInfinity;
    MEMOPT_ASSIGN_OR_RETURN(bounds[i], e.values(type, {}, {&bound, 1}));
  }
  return e.finish(e.emit("Clip", {e.input(0), bounds[0], bounds[1]}));
}

Status write(Exporter& e, const Where&) { return e.finish(e.emit("Where", e.inputs())); }

Status write(Exporter& e, const Cast& op) {
  std::string y = e.emit("Cast", e.inputs());
  e.attr("to", int64_t{dtype_to_onnx(op.to)});
  if (!op.saturate) {
    e.need_opset(19);
    e.attr("saturate", int64_t{0});
  }
  return e.finish(std::move(y));
}

// --- contractions ---

void window_attrs(Exporter& e, const ConvWindow& op) {
  e.attr("strides", op.strides);
  e.attr("dilations", op.dilations);
  e.attr("pads", op.pads);
  e.attr("group", op.group);
}

bool has_negative(const std::vector<int64_t>& values) {
  return std::any_of(values.begin(), values.end(), [](int64_t v) { return v < 0; });
}

// ONNX has no negative padding of windows; cropping is a Pad of its own.
std::string crop_input(Exporter& e, ConvWindow& op) {
  if (!has_negative(op.pads)) return e.input(0);
  const size_t n = op.pads.size() / 2;
  std::vector<int64_t> crop(2 * n + 4, 0);
  for (size_t i = 0; i < n; ++i) {
    crop[i + 2] = std::min<int64_t>(0, op.pads[i]);
    crop[i + n + 4] = std::min<int64_t>(0, op.pads[i + n]);
  }
  for (int64_t& pad : op.pads) pad = std::max<int64_t>(0, pad);
  return e.emit("Pad", {e.input(0), e.ints(crop)});
}

Status write(Exporter& e, Conv op) {
  const std::string x = crop_input(e, op);
  std::string y = e.emit("Conv", {x, e.input(1), e.input(2)});
  window_attrs(e, op);
  if (e.has(3)) y = e.emit("Add", {y, e.input(3)});
  return e.finish(std::move(y), op.activation);
}

Status write(Exporter& e, const ConvTranspose& op) {
  if (has_negative(op.pads)) return bad_input("negative padding cannot be written as ONNX");
  std::string y = e.emit("ConvTranspose", e.inputs());
  window_attrs(e, op);
  e.attr("output_padding", op.output_padding);
  return e.finish(std::move(y), op.activation);
}

// A matrix product of any rank with its transpositions and factor.
Result<std::string> plain_product(Exporter& e, const MatMul& op) {
  std::string operands[2] = {e.input(0), e.input(1)};
  const bool transposed[2] = {op.trans_a, op.trans_b};
  for (size_t i = 0; i < 2; ++i) {
    if (!transposed[i]) continue;
    std::vector<int64_t> perm(static_cast<size_t>(e.type(i).dims.rank()));
    std::iota(perm.begin(), perm.end(), 0);
    if (perm.size() >= 2) std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
    operands[i] = e.emit("Transpose", {operands[i]});
    e.attr("perm", perm);
  }
  std::string y = e.emit("MatMul", {operands[0], operands[1]});
  const DType type = e.output_type().dtype;
  if (op.alpha != 1) {
    MEMOPT_ASSIGN_OR_RETURN(const std::string alpha, e.values(type, {}, {&op.alpha, 1}));
    y = e.emit("Mul", {y, alpha});
  }
  if (!e.has(2)) return y;
  std::string c = e.input(2);
  if (op.beta != 1) {
    MEMOPT_ASSIGN_OR_RETURN(const std::string beta, e.values(type, {}, {&op.beta, 1}));
    c = e.emit("Mul", {c, beta});
  }
  return e.emit("Add", {y, c});
}

Status write(Exporter& e, const MatMul& op) {
  const bool matrices = e.type(0).dims.rank() == 2 && e.type(1).dims.rank() == 2 &&
                        (!e.has(2) || e.type(2).dims.rank() <= 2) && is_float(e.type(0).dtype);
  const bool plain = !op.trans_a && !op.trans_b && op.alpha == 1 && !e.has(2);
  std::string y;
  if (matrices && !plain) {
    y = e.emit("Gemm", {e.input(0), e.input(1), e.input(2)});
    e.attr("transA", int64_t{op.trans_a});
    e.attr("transB", int64_t{op.trans_b});
    e.attr("alpha", op.alpha);
    e.attr("beta", op.beta);
  } else {
    MEMOPT_ASSIGN_OR_RETURN(y, plain_product(e, op));
  }
  if (e.has(3)) y = e.emit("Add", {y, e.input(3)});
  return e.finish(std::move(y), op.activation);
}

Status write(Exporter& e, const QLinearConv& op) {
  if (has_negative(op.pads)) return bad_input("negative padding cannot be written as ONNX");
  std::string y = e.emit("QLinearConv", e.inputs());
  window_attrs(e, op);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const QLinearMatMul&) {
  if (e.type(1).dtype != DType::kF32) e.need_opset(21);
  return e.finish(e.emit("QLinearMatMul", e.inputs()));
}

Status write(Exporter& e, const ConvInteger& op) {
  if (has_negative(op.pads)) return bad_input("negative padding cannot be written as ONNX");
  std::string y = e.emit("ConvInteger", e.inputs());
  window_attrs(e, op);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const MatMulInteger&) {
  return e.finish(e.emit("MatMulInteger", e.inputs()));
}

// --- pooling, normalization, reduction ---

Status write(Exporter& e, const Pool& op) {
  constexpr std::string_view kTypes[] = {"MaxPool", "AveragePool", "LpPool"};
  e.emit(kTypes[static_cast<size_t>(op.fn)], {e.input(0)});
  e.attr("kernel_shape", op.kernel);
  e.attr("strides", op.strides);
  e.attr("pads", op.pads);
  e.attr("ceil_mode", int64_t{op.ceil_mode});
  // Since then, a window that would start in the padding is left out.
  if (op.ceil_mode && op.fn != PoolFn::kLp) e.need_opset(22);
  const bool dilated =
      std::any_of(op.dilations.begin(), op.dilations.end(), [](int64_t d) { return d != 1; });
  if (op.fn == PoolFn::kAverage && dilated) e.need_opset(19);
  if (op.fn != PoolFn::kAverage || dilated) e.attr("dilations", op.dilations);
  if (op.fn == PoolFn::kAverage) e.attr("count_include_pad", int64_t{op.count_include_pad});
  if (op.fn == PoolFn::kLp) e.attr("p", op.p);
  if (op.fn == PoolFn::kMax) e.attr("storage_order", int64_t{op.column_major_indices});
  e.finish_outputs(1);
  return {};
}

// Any kernel and strides that imply `unpooled_dims` do; strides of 1 are the simplest.
Status write(Exporter& e, const MaxUnpool& op) {
  std::vector<int64_t> kernel;
  for (size_t i = 2; i < op.unpooled_dims.size(); ++i) {
    kernel.push_back(op.unpooled_dims[i] - e.type(0).dims[static_cast<int>(i)] + 1);
    if (kernel.back() < 1) return bad_input("this unpooling cannot be written as ONNX");
  }
  std::string y = e.emit("MaxUnpool", {e.input(0), e.input(1), e.ints(op.dims)});
  e.attr("kernel_shape", kernel);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const BatchNorm& op) {
  std::string y = e.emit("BatchNormalization", e.inputs());
  e.attr("epsilon", op.epsilon);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const InstanceNorm& op) {
  std::string y = e.emit("InstanceNormalization", e.inputs());
  e.attr("epsilon", op.epsilon);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Lrn& op) {
  std::string y = e.emit("LRN", e.inputs());
  e.attr("size", op.window);
  e.attr("alpha", op.alpha);
  e.attr("beta", op.beta);
  e.attr("bias", op.bias);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const LayerNorm& op) {
  e.emit("LayerNormalization", e.inputs());
  e.attr("axis", op.axis);
  e.attr("epsilon", op.epsilon);
  e.finish_outputs(1);
  return {};
}

Status write(Exporter& e, const Softmax& op) {
  constexpr std::string_view kTypes[] = {"Softmax", "LogSoftmax", "Hardmax"};
  std::string y = e.emit(kTypes[static_cast<size_t>(op.fn)], e.inputs());
  e.attr("axis", op.axis);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Reduce& op) {
  constexpr std::string_view kTypes[] = {
      "ReduceSum", "ReduceMean", "ReduceMax",    "ReduceMin",       "ReduceProd",
      "ReduceL1",  "ReduceL2",   "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"};
  if (e.type(0).dtype == DType::kBool) e.need_opset(20);
  std::string y = e.emit(kTypes[static_cast<size_t>(op.fn)], {e.input(0), e.ints(op.axes)});
  e.attr("keepdims", int64_t{op.keep_dims});
  if (op.axes.empty()) e.attr("noop_with_empty_axes", int64_t{1});
  return e.finish(std::move(y));
}

Status write(Exporter& e, const ArgReduce& op) {
  std::string y = e.emit(op.fn == ArgReduceFn::kMax ? "ArgMax" : "ArgMin", e.inputs());
  e.attr("axis", op.axis);
  e.attr("keepdims", int64_t{op.keep_dims});
  e.attr("select_last_index", int64_t{op.select_last});
  return e.finish(std::move(y));
}

Status write(Exporter& e, const TopK& op) {
  e.emit("TopK", {e.input(0), e.ints({op.k})});
  e.attr("axis", op.axis);
  e.attr("largest", int64_t{op.largest});
  e.attr("sorted", int64_t{op.sorted});
  e.finish_outputs(2);
  return {};
}

Status write(Exporter& e, const Cumulate& op) {
  const bool is_sum = op.fn == CumulateFn::kSum;
  if (!is_sum) e.need_opset(26);
  const auto axis_value = static_cast<double>(op.axis);
  MEMOPT_ASSIGN_OR_RETURN(const std::string axis, e.values(DType::kI64, {}, {&axis_value, 1}));
  std::string y = e.emit(is_sum ? "CumSum" : "CumProd", {e.input(0), axis});
  e.attr("exclusive", int64_t{op.exclusive});
  e.attr("reverse", int64_t{op.reverse});
  return e.finish(std::move(y));
}

// --- scatters ---

std::string_view reduction_name(ScatterFn fn) {
  return fn == ScatterFn::kReplace ? "none" : enum_name(fn);
}

Status write(Exporter& e, const ScatterElements& op) {
  std::string y = e.emit("ScatterElements", e.inputs());
  e.attr("axis", op.axis);
  e.attr("reduction", reduction_name(op.fn));
  return e.finish(std::move(y));
}

Status write(Exporter& e, const ScatterND& op) {
  std::string y = e.emit("ScatterND", e.inputs());
  e.attr("reduction", reduction_name(op.fn));
  return e.finish(std::move(y));
}

Status write(Exporter& e, const ColToIm& op) {
  std::string y = e.emit("Col2Im", {e.input(0), e.ints(op.image), e.ints(op.block)});
  e.attr("strides", op.strides);
  e.attr("dilations", op.dilations);
  e.attr("pads", op.pads);
  return e.finish(std::move(y));
}

// --- movement ---

Status write(Exporter& e, const Concat& op) {
  std::string y = e.emit("Concat", e.inputs());
  e.attr("axis", op.axis);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Split& op) {
  e.emit("Split", {e.input(0), e.ints(op.sizes)});
  e.attr("axis", op.axis);
  e.finish_outputs(op.sizes.size());
  return {};
}

Status write(Exporter& e, const Slice& op) {
  constexpr int64_t kBeforeFirst = std::numeric_limits<int64_t>::min() + 1;
  std::vector<int64_t> starts, ends, axes, steps;
  for (size_t i = 0; i < op.starts.size(); ++i) {
    const int64_t extent = e.type(0).dims[static_cast<int>(i)];
    if (op.starts[i] == 0 && op.steps[i] == 1 && op.sizes[i] == extent) continue;
    // Behind the last element that is read, which for negative steps may be before the first.
    const int64_t end = op.starts[i] + op.sizes[i] * op.steps[i];
    axes.push_back(static_cast<int64_t>(i));
    starts.push_back(op.starts[i]);
    ends.push_back(end < 0 ? kBeforeFirst : end);
    steps.push_back(op.steps[i]);
  }
  if (axes.empty()) return e.finish(e.emit("Identity", e.inputs()));
  return e.finish(
      e.emit("Slice", {e.input(0), e.ints(starts), e.ints(ends), e.ints(axes), e.ints(steps)}));
}

Status write(Exporter& e, const Gather& op) {
  std::string y = e.emit("Gather", e.inputs());
  e.attr("axis", op.axis);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const GatherElements& op) {
  std::string y = e.emit("GatherElements", e.inputs());
  e.attr("axis", op.axis);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const GatherND& op) {
  std::string y = e.emit("GatherND", e.inputs());
  e.attr("batch_dims", op.batch_dims);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const OneHot& op) {
  std::string y = e.emit("OneHot", {e.input(0), e.ints({op.depth}), e.input(1)});
  e.attr("axis", op.axis);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Trilu& op) {
  const auto k_value = static_cast<double>(op.k);
  MEMOPT_ASSIGN_OR_RETURN(const std::string k, e.values(DType::kI64, {}, {&k_value, 1}));
  std::string y = e.emit("Trilu", {e.input(0), k});
  e.attr("upper", int64_t{op.upper});
  return e.finish(std::move(y));
}

Status write(Exporter& e, const ReverseSequence& op) {
  std::string y = e.emit("ReverseSequence", e.inputs());
  e.attr("batch_axis", op.batch_axis);
  e.attr("time_axis", op.time_axis);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Pad& op) {
  if (op.mode == PadMode::kWrap) e.need_opset(19);
  std::string y = e.emit("Pad", {e.input(0), e.ints(op.pads), e.input(1)});
  e.attr("mode", enum_name(op.mode));
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Resize& op) { return export_resize(e, op); }

Status write(Exporter& e, const Transpose& op) {
  std::string y = e.emit("Transpose", e.inputs());
  e.attr("perm", op.perm);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Reshape& op) {
  std::string y = e.emit("Reshape", {e.input(0), e.ints(op.dims)});
  e.attr("allowzero", int64_t{1});  // every entry is the extent itself
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Expand& op) {
  return e.finish(e.emit("Expand", {e.input(0), e.ints(op.dims)}));
}

Status write(Exporter& e, const Tile& op) {
  return e.finish(e.emit("Tile", {e.input(0), e.ints(op.repeats)}));
}

Status write(Exporter& e, const DepthToSpace& op) {
  std::string y = e.emit("DepthToSpace", e.inputs());
  e.attr("blocksize", op.block);
  e.attr("mode", op.mode == DepthToSpaceMode::kDepthColumnRow ? "DCR" : "CRD");
  return e.finish(std::move(y));
}

Status write(Exporter& e, const SpaceToDepth& op) {
  std::string y = e.emit("SpaceToDepth", e.inputs());
  e.attr("blocksize", op.block);
  return e.finish(std::move(y));
}

Status write(Exporter& e, const Identity&) { return e.finish(e.emit("Identity", e.inputs())); }
Status write(Exporter& e, const Copy&) { return e.finish(e.emit("Identity", e.inputs())); }

Status write(Exporter&, const Reorder&) {
  return bad_input("ONNX has no layouts; export the graph before layouts are chosen");
}

Status write(Exporter& e, const Full& op) {
  const std::string value = e.emit("Reshape", {e.input(0), e.ints({1})});
  return e.finish(e.emit("Expand", {value, e.ints(op.dims)}));
}

// --- quantization ---

Status write(Exporter& e, const QuantizeLinear& op) {
  const bool wide = dtype_bits(op.to) == 16 || dtype_bits(op.to) < 8;
  if (e.type(0).dtype == DType::kF16) e.need_opset(19);
  if (wide || op.block_size != 0 || (!e.has(2) && op.to != DType::kU8)) e.need_opset(21);
  std::string y = e.emit("QuantizeLinear", e.inputs());
  e.attr("axis", op.axis);
  if (op.block_size != 0) e.attr("block_size", op.block_size);
  if (!e.has(2) && op.to != DType::kU8) e.attr("output_dtype", int64_t{dtype_to_onnx(op.to)});
  if (!op.saturate) {
    e.need_opset(19);
    e.attr("saturate", int64_t{0});
  }
  return e.finish(std::move(y));
}

Status write(Exporter& e, const DequantizeLinear& op) {
  const DType from = e.type(0).dtype;
  if (op.to != DType::kF32) e.need_opset(19);
  if (dtype_bits(from) == 16 || op.block_size != 0) e.need_opset(21);
  std::string y = e.emit("DequantizeLinear", e.inputs());
  e.attr("axis", op.axis);
  if (op.block_size != 0) e.attr("block_size", op.block_size);
  if (op.to != e.type(1).dtype) {
    e.need_opset(23);
    e.attr("output_dtype", int64_t{dtype_to_onnx(op.to)});
  }
  return e.finish(std::move(y));
}

Status write(Exporter& e, const DynamicQuantizeLinear&) {
  e.emit("DynamicQuantizeLinear", e.inputs());
  e.finish_outputs(3);
  return {};
}

// --- control flow ---

Error no_regions() { return bad_input("control flow is not written as ONNX"); }
Status write(Exporter&, const If&) { return no_regions(); }
Status write(Exporter&, const Loop&) { return no_regions(); }
Status write(Exporter&, const Scan&) { return no_regions(); }

}  // namespace

Status export_op(Exporter& exporter) {
  return std::visit([&](const auto& op) { return write(exporter, op); }, exporter.node().op);
}

}  // namespace memopt
