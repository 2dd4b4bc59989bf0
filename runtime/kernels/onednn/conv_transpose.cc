// conv_transpose.onednn: f32 transposed convolutions, channels-last. The library's own bias and
// activation take scratch of the size of the output and run in its reference code, so they are a
// second, element-wise call over the rows that the first one just wrote.
#include <algorithm>

#include "runtime/base/checked.h"
#include "runtime/kernels/onednn/convolution.h"
#include "runtime/kernels/onednn/kernels.h"

namespace memopt::onednn {
namespace {

constexpr int64_t kMaxExtent = int64_t{1} << 20;

Error unsupported(const char* why) { return internal_error(std::string("conv_transpose: ") + why); }

struct Shape {
  int spatial = 0;
  int64_t group = 1;
  Dims x, w, y;  // as ONNX has them
  // oneDNN's pads crop the output. Those at the end are less the output padding; what is left of
  // it (negative here) is rows that nothing reaches.
  Dims strides, dilations, pads_begin, pads_end;

  int64_t extent(int axis) const { return dilations[axis] * (w[axis + 2] - 1) + 1; }
};

Result<Shape> make_shape(const ConvTranspose& op, const Operand& x, const Operand& w,
                         const Operand& y) {
  const int rank = x.dims.rank();
  const int n = rank - 2;
  const auto count = static_cast<size_t>(std::max(n, 0));
  if (n < 1 || n > 3 || w.dims.rank() != rank || y.dims.rank() != rank ||
      op.strides.size() != count || op.dilations.size() != count || op.pads.size() != 2 * count ||
      op.output_padding.size() != count) {
    return unsupported("rank");
  }
  for (const Operand* operand : {&x, &w, &y}) {
    const auto elements = checked_count(operand->dims);
    if (!elements || *elements < 1 || *elements > (int64_t{1} << 40)) return unsupported("extents");
  }
  if (op.group < 1 || x.dims[1] % op.group != 0 || w.dims[0] != x.dims[1] ||
      y.dims[0] != x.dims[0] || y.dims[1] % op.group != 0 || w.dims[1] != y.dims[1] / op.group) {
    return unsupported("channels");
  }
  Shape shape{n, op.group, x.dims, w.dims, y.dims, {}, {}, {}, {}};
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    for (const int64_t value : {op.strides[at], op.dilations[at], w.dims[i + 2], x.dims[i + 2]}) {
      if (value < 1 || value >= kMaxExtent) return unsupported("window");
    }
    shape.strides.push_back(op.strides[at]);
    shape.dilations.push_back(op.dilations[at]);
    const int64_t extent = shape.extent(i);
    const int64_t begin = op.pads[at];
    const int64_t padding = op.output_padding[at];
    if (padding < 0 || padding >= kMaxExtent) return unsupported("output padding");
    const int64_t end = op.pads[at + count] - padding;
    // The library keeps tables per column of what is the output of the convolution behind it.
    constexpr int64_t kMaxColumns = int64_t{1} << 21;
    if (x.dims[i + 2] > kMaxColumns || extent > kMaxColumns || y.dims[i + 2] > 16 * kMaxColumns) {
      return unsupported("length");
    }
    if (begin < 0 || begin >= extent || end <= -op.strides[at] || end >= extent ||
        y.dims[i + 2] != op.strides[at] * (x.dims[i + 2] - 1) + extent - begin - end) {
      return unsupported("padding or output extent");
    }
    shape.pads_begin.push_back(begin);
    shape.pads_end.push_back(std::max<int64_t>(end, 0));
  }
  if (!is_dense(x.dims, x.strides, Layout::kChannelsLast) ||
      !is_dense(y.dims, y.strides, Layout::kChannelsLast)) {
    return unsupported("strides");
  }
  return shape;
}

// The rows of x that reach a slice of y, and how much of what they make is cropped.
Result<ConvSlice> make_slice(const Shape& shape, const Slice& slice) {
  ConvSlice part{shape.x, shape.y, shape.pads_begin, shape.pads_end, 0, 0};
  part.x[0] = part.y[0] = slice.images;
  part.x_offset = slice.image * (shape.x.count() / shape.x[0]);
  part.y_offset = slice.image * (shape.y.count() / shape.y[0]);
  if (slice.rows == shape.y[2]) return part;
  const int64_t stride = shape.strides[0];
  const int64_t extent = shape.extent(0);
  const int64_t top = slice.row + shape.pads_begin[0];  // in the uncropped output
  const int64_t first = std::max<int64_t>(0, (top - extent + stride) / stride);
  const int64_t last = std::min(shape.x[2] - 1, (top + slice.rows - 1) / stride);
  if (first > last) return unsupported("a slice that nothing reaches");
  part.x[2] = last - first + 1;
  part.y[2] = slice.rows;
  part.pads_begin[0] = top - first * stride;
  const int64_t end = (last - first) * stride + extent - part.pads_begin[0] - slice.rows;
  if (part.pads_begin[0] < 0 || end <= -stride) return unsupported("gaps between rows");
  part.pads_end[0] = std::max<int64_t>(end, 0);
  part.x_offset += first * dense_strides(shape.x, Layout::kChannelsLast)[2];
  part.y_offset += slice.row * dense_strides(shape.y, Layout::kChannelsLast)[2];
  return part;
}

// The weights under oneDNN's names, which lead with the output channels, and in ONNX's order.
struct Weights {
  Dims dims;
  Dims strides;
};
Weights make_weights(const Shape& shape) {
  const Dims plain = row_major_strides(shape.w);  // C, M / group, kernel...
  const int64_t inputs = shape.w[0] / shape.group;
  Weights weights{{shape.w[1], inputs}, {plain[1], plain[0]}};
  if (shape.group > 1) {
    weights = {{shape.group, shape.w[1], inputs}, {inputs * plain[0], plain[1], plain[0]}};
  }
  for (int i = 2; i < shape.w.rank(); ++i) {
    weights.dims.push_back(shape.w[i]);
    weights.strides.push_back(plain[i]);
  }
  return weights;
}

Result<PrimitiveDesc> make_desc(const Shape& shape, const ConvSlice& slice,
                                const MemoryDesc& weights, const Attributes& attributes) {
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc x,
                          dense_desc(slice.x, DType::kF32, Layout::kChannelsLast));
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc y,
                          dense_desc(slice.y, DType::kF32, Layout::kChannelsLast));
  Dims dilates;  // oneDNN counts the gaps
  for (const int64_t dilation : shape.dilations) dilates.push_back(dilation - 1);
  dnnl_deconvolution_desc_t op;
  MEMOPT_RETURN_IF_ERROR(check(
      dnnl_dilated_deconvolution_forward_desc_init(
          &op, dnnl_forward_inference, dnnl_deconvolution_direct, &x, &weights, nullptr, &y,
          shape.strides.begin(), dilates.begin(), slice.pads_begin.begin(), slice.pads_end.begin()),
      "transposed convolution"));
  return choose_implementation(&op, attributes, desc_bytes(x) + desc_bytes(y));
}

// y = activation(y + bias), in place.
Result<Call> make_epilogue(const ConvSlice& slice, const Activation& activation) {
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc y,
                          dense_desc(slice.y, DType::kF32, Layout::kChannelsLast));
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes, make_attributes(activation, false));
  Dims channels = Dims::filled(slice.y.rank(), 1);
  channels[1] = slice.y[1];
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc bias,
                          dense_desc(channels, DType::kF32, Layout::kChannelsLast));
  dnnl_binary_desc_t op;
  MEMOPT_RETURN_IF_ERROR(check(dnnl_binary_desc_init(&op, dnnl_binary_add, &y, &bias, &y), "bias"));
  Call call;
  MEMOPT_ASSIGN_OR_RETURN(call.desc, choose_implementation(&op, attributes, desc_bytes(y)));
  const Place place{Place::In::kOutput, 0, slice.y_offset * 4};
  call.arguments = {{DNNL_ARG_SRC_0, place, y},
                    {DNNL_ARG_SRC_1, {Place::In::kInput, 2, 0}, bias},
                    {DNNL_ARG_DST, place, y}};
  return call;
}

Result<Program> build_conv_transpose(const KernelRequest& request) {
  const auto& op = std::get<ConvTranspose>(*request.op);
  if (request.inputs.size() < 2 || request.inputs.size() > 3 || request.outputs.size() != 1) {
    return unsupported("operands");
  }
  const Operand& x = request.inputs[0];
  const Operand& w = request.inputs[1];
  const Operand& y = request.outputs[0];
  const bool has_bias = request.inputs.size() > 2 && request.inputs[2].present;
  if (!x.present || !y.present || x.dtype != DType::kF32 || w.dtype != DType::kF32 ||
      y.dtype != DType::kF32 || x.layout == Layout::kPacked || y.layout == Layout::kPacked ||
      !is_packable(w)) {
    return unsupported("types or layouts");
  }
  MEMOPT_ASSIGN_OR_RETURN(const Shape shape, make_shape(op, x, w, y));
  if (has_bias) {
    const Operand& bias = request.inputs[2];
    if (bias.dtype != DType::kF32 || bias.dims != Dims{y.dims[1]} ||
        bias.layout == Layout::kPacked || !is_dense(bias.dims, bias.strides, Layout::kRowMajor)) {
      return unsupported("bias");
    }
  }
  const SplitActivation activation = split_activation(op.activation, request.target.isa);
  // The epilogue is an addition with an activation; without a bias there is nothing to carry one.
  if (!has_bias && activation.in_library.fn != UnaryFn::kIdentity) {
    return unsupported("activation alone");
  }
  const Weights names = make_weights(shape);
  MEMOPT_ASSIGN_OR_RETURN(MemoryDesc weights, any_desc(names.dims, DType::kF32));
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes, make_attributes({}, false));
  const int64_t flops = 2 * shape.x.count() * (shape.w.count() / shape.w[0]);
  Program program;
  for (const Slice& slice :
       cut(shape.y[0], shape.y[2], request.target.pieces, flops, kWorthCuttingFlops)) {
    MEMOPT_ASSIGN_OR_RETURN(const ConvSlice part, make_slice(shape, slice));
    Call call;
    MEMOPT_ASSIGN_OR_RETURN(call.desc, make_desc(shape, part, weights, attributes));
    if (program.chunks.empty()) {  // the other slices follow the first one's choice
      weights = weights_desc(call.desc);
      MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc from,
                              strided_desc(names.dims, names.strides, DType::kF32));
      program.packing.input = 1;
      program.packing.add(from, 0, weights);
    }
    MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc packed, opaque_desc(desc_bytes(weights)));
    call.arguments = {{DNNL_ARG_SRC,
                       {Place::In::kInput, 0, part.x_offset * 4},
                       *dnnl_primitive_desc_query_md(call.desc.get(), dnnl_query_src_md, 0)},
                      {DNNL_ARG_WEIGHTS, {Place::In::kInput, 1, 0}, packed},
                      {DNNL_ARG_DST,
                       {Place::In::kOutput, 0, part.y_offset * 4},
                       *dnnl_primitive_desc_query_md(call.desc.get(), dnnl_query_dst_md, 0)}};
    Chunk& chunk = program.chunks.emplace_back();
    chunk.scratch_bytes = bind_scratch(call);
    chunk.calls.push_back(std::move(call));
    if (has_bias) {
      MEMOPT_ASSIGN_OR_RETURN(Call epilogue, make_epilogue(part, activation.in_library));
      chunk.scratch_bytes = std::max(chunk.scratch_bytes, bind_scratch(epilogue));
      chunk.calls.push_back(std::move(epilogue));
    }
    finish_activation(chunk.calls.back(), activation, part.y_offset, part.y.count());
  }
  return program;
}

}  // namespace

const KernelDef* conv_transpose() {
  static constexpr KernelDef kDef =
      program_def<build_conv_transpose>("conv_transpose.onednn", kOpKind<ConvTranspose>);
  return &kDef;
}

}  // namespace memopt::onednn
