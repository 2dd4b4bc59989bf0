// Convolutions and matrix products.
#include <algorithm>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/window_attributes.h"

namespace memopt {
namespace {

// Kernel extents from weights (M, C, kernel...) whose rank must be that of the input.
Result<std::vector<int64_t>> kernel_of(const NodeContext& node, int input, int weights) {
  const Dims& w = node.dims(weights);
  if (w.rank() != node.rank(input) || w.rank() < 3) {
    return node.error("needed an input and weights of one rank >= 3, found " +
                      to_string(node.type(input)) + " and " + to_string(node.type(weights)));
  }
  return std::vector<int64_t>(w.begin() + 2, w.end());
}

Result<ConvWindow> conv_window(NodeContext& node, int input, int weights) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> kernel, kernel_of(node, input, weights));
  MEMOPT_ASSIGN_OR_RETURN(WindowAttributes window,
                          read_sliding_window(node, node.dims(input), kernel));
  return ConvWindow{.strides = std::move(window.strides),
                    .dilations = std::move(window.dilations),
                    .pads = std::move(window.pads),
                    .group = node.attr_int("group", 1)};
}

// `S` is ConvWindow with more members.
template <typename S>
S with_window(ConvWindow window) {
  S op;
  static_cast<ConvWindow&>(op) = std::move(window);
  return op;
}

Status map_conv(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(ConvWindow window, conv_window(node, 0, 1));
  return node.result(with_window<Conv>(std::move(window)), {node.in(0), node.in(1), node.in(2)});
}

// com.microsoft's Conv with a residual and an activation.
Status map_fused_conv(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(ConvWindow window, conv_window(node, 0, 1));
  Conv conv = with_window<Conv>(std::move(window));
  const std::string activation = node.attr_string("activation", "");
  std::vector<double> params = node.attr_floats("activation_params");
  struct Named {
    std::string_view name;
    UnaryFn fn;
    size_t params;
  };
  static constexpr Named kNamed[] = {{"", UnaryFn::kIdentity, 0},
                                     {"Relu", UnaryFn::kRelu, 0},
                                     {"Tanh", UnaryFn::kTanh, 0},
                                     {"Sigmoid", UnaryFn::kSigmoid, 0},
                                     {"LeakyRelu", UnaryFn::kLeakyRelu, 1},
                                     {"Clip", UnaryFn::kClip, 2},
                                     {"HardSigmoid", UnaryFn::kHardSigmoid, 2},
                                     {"HardSwish", UnaryFn::kHardSwish, 0}};
  const auto* found = std::find_if(std::begin(kNamed), std::end(kNamed),
                                   [&](const Named& n) { return n.name == activation; });
  if (found == std::end(kNamed) || params.size() < found->params) {
    return node.error("activation '" + activation + "' with " + std::to_string(params.size()) +
                      " parameters is not supported");
  }
  conv.activation.fn = found->fn;
  params.resize(2, 0);
  if (found->params > 0) conv.activation.alpha = params[0];
  if (found->params > 1) conv.activation.beta = params[1];
  return node.result(conv, {node.in(0), node.in(1), node.in(2), node.in(3)});
}

// Pads and output padding of ConvTranspose from output_shape or SAME_*: "total padding" in ONNX's
// text. What the stride cannot reach is added at the end.
Status resolve_transposed_pads(NodeContext& node, WindowAttributes& window,
                               std::vector<int64_t>& output_padding) {
  const size_t n = window.kernel.size();
  std::vector<int64_t> shape = node.attr_ints("output_shape");
  const bool same = window.auto_pad == "SAME_UPPER" || window.auto_pad == "SAME_LOWER";
  if (shape.empty() && !same) {
    if (window.auto_pad == "VALID") std::fill(window.pads.begin(), window.pads.end(), 0);
    return {};
  }
  if (shape.size() == n + 2) shape.erase(shape.begin(), shape.begin() + 2);  // with N and C
  if (!shape.empty() && shape.size() != n) {
    return node.error("output_shape has " + std::to_string(shape.size()) + " entries, needed " +
                      std::to_string(n));
  }
  for (size_t i = 0; i < n; ++i) {
    const int64_t extent = node.dims(0)[static_cast<int>(i) + 2];
    const int64_t output = shape.empty() ? extent * window.strides[i] : shape[i];
    if (output < 0 || output > kMaxDim) return node.error("output_shape is out of range");
    const int64_t total =
        window.strides[i] * (extent - 1) + output_padding[i] + window_extent(window, i) - output;
    if (total < 0) output_padding[i] -= total;
    const int64_t padding = std::max<int64_t>(0, total);
    window.pads[i] = window.auto_pad == "SAME_UPPER" ? padding / 2 : padding - padding / 2;
    window.pads[i + n] = padding - window.pads[i];
  }
  return {};
}

Status map_conv_transpose(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<int64_t> kernel, kernel_of(node, 0, 1));
  MEMOPT_ASSIGN_OR_RETURN(WindowAttributes window,
                          read_window(node, static_cast<int>(kernel.size()), kernel));
  ConvTranspose op;
  op.output_padding = node.attr_ints("output_padding", std::vector<int64_t>(kernel.size(), 0));
  if (op.output_padding.size() != kernel.size()) {
    return node.error("output_padding has " + std::to_string(op.output_padding.size()) +
                      " entries, needed " + std::to_string(kernel.size()));
  }
  for (const int64_t padding : op.output_padding) {
    if (padding < 0 || padding > kMaxDim) return node.error("output_padding is out of range");
  }
  MEMOPT_RETURN_IF_ERROR(resolve_transposed_pads(node, window, op.output_padding));
  op.strides = window.strides;
  op.dilations = window.dilations;
  op.pads = window.pads;
  op.group = node.attr_int("group", 1);
  return node.result(op, {node.in(0), node.in(1), node.in(2)});
}

Status map_gemm(NodeContext& node) {
  MatMul op{.trans_a = node.attr_bool("transA", false),
            .trans_b = node.attr_bool("transB", false),
            .alpha = node.attr_float("alpha", 1),
            .beta = node.attr_float("beta", 1),
            .activation = {}};
  if (node.rank(0) != 2 || node.rank(1) != 2) {
    return node.error("needed matrices, found " + to_string(node.type(0)) + " and " +
                      to_string(node.type(1)));
  }
  // 0 C is left out even where C holds infinities: ONNX Runtime does the same.
  const ValueId c = op.beta == 0 ? ValueId::none() : node.in(2);
  if (!c) op.beta = 1;
  return node.result(op, {node.in(0), node.in(1), c});
}

Status map_matmul(NodeContext& node) { return node.result(MatMul{}, {node.in(0), node.in(1)}); }

Status map_qlinear_conv(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(ConvWindow window, conv_window(node, 0, 3));
  return node.result(with_window<QLinearConv>(std::move(window)), node.all_inputs());
}

Status map_qlinear_matmul(NodeContext& node) {
  return node.result(QLinearMatMul{}, node.all_inputs());
}

Status map_conv_integer(NodeContext& node) {
  MEMOPT_ASSIGN_OR_RETURN(ConvWindow window, conv_window(node, 0, 1));
  return node.result(with_window<ConvInteger>(std::move(window)), node.all_inputs());
}

Status map_matmul_integer(NodeContext& node) {
  return node.result(MatMulInteger{}, node.all_inputs());
}

constexpr NodeMapping kMappings[] = {
    {"Conv", 2, 3, map_conv},
    {"ConvInteger", 2, 4, map_conv_integer},
    {"ConvTranspose", 2, 3, map_conv_transpose},
    {"FusedConv", 2, 4, map_fused_conv, kMicrosoftDomain},
    {"Gemm", 2, 3, map_gemm},
    {"MatMul", 2, 2, map_matmul},
    {"MatMulInteger", 2, 4, map_matmul_integer},
    {"QLinearConv", 8, 9, map_qlinear_conv},
    {"QLinearMatMul", 8, 8, map_qlinear_matmul},
};

}  // namespace

std::span<const NodeMapping> contraction_mappings() { return kMappings; }

}  // namespace memopt
