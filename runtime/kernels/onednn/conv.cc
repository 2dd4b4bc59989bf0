// conv.onednn: f32 convolutions, channels-last, with bias, residual and activation in the same
// pass.
#include "runtime/kernels/onednn/convolution.h"
#include "runtime/kernels/onednn/kernels.h"
#include "runtime/kernels/onednn/padded_line.h"

namespace memopt::onednn {
namespace {

bool is_dense_f32(const Operand& operand, const Dims& dims, Layout layout) {
  return operand.dtype == DType::kF32 && operand.dims == dims &&
         operand.layout != Layout::kPacked && is_dense(dims, operand.strides, layout);
}

Result<Program> build_conv(const KernelRequest& request) {
  const auto& op = std::get<Conv>(*request.op);
  if (request.inputs.size() < 2 || request.inputs.size() > 4 || request.outputs.size() != 1) {
    return internal_error("conv: operands");
  }
  const Operand& x = request.inputs[0];
  const Operand& w = request.inputs[1];
  const Operand& y = request.outputs[0];
  const Operand none;
  const Operand& bias = request.inputs.size() > 2 ? request.inputs[2] : none;
  const Operand& residual = request.inputs.size() > 3 ? request.inputs[3] : none;
  if (!x.present || x.dtype != DType::kF32 || x.layout == Layout::kPacked || !is_packable(w) ||
      w.dtype != DType::kF32 || !y.present || y.dtype != DType::kF32) {
    return internal_error("conv: types or layouts");
  }
  MEMOPT_ASSIGN_OR_RETURN(const ConvShape plain, conv_shape(op, x, w, y));
  const ConvShape shape = arranged(plain);
  if (bias.present && !is_dense_f32(bias, {w.dims[0]}, Layout::kRowMajor)) {
    return internal_error("conv: bias");
  }
  if (residual.present && !is_dense_f32(residual, y.dims, Layout::kChannelsLast)) {
    return internal_error("conv: residual");
  }
  const SplitActivation activation = split_activation(op.activation, request.target.isa);
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes,
                          make_attributes(activation.in_library, residual.present));
  const std::vector<Slice> slices =
      cut(shape.y[0], shape.y[2], request.target.pieces, shape.flops(), kWorthCuttingFlops);
  const bool copied = wants_padded_copy(shape);
  MEMOPT_ASSIGN_OR_RETURN(
      const ConvPieces pieces,
      conv_pieces(copied ? padded(shape) : shape, slices, {}, bias.present, attributes));

  Program program;
  MEMOPT_ASSIGN_OR_RETURN(program.packing, conv_packing(shape, row_major_strides(shape.w),
                                                        DType::kF32, 1, pieces.weights));
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc weights, opaque_desc(desc_bytes(pieces.weights)));
  for (size_t i = 0; i < pieces.slices.size(); ++i) {
    const ConvSlice& slice = pieces.slices[i];
    Call call{pieces.descs[i], {}, std::nullopt, nullptr, nullptr};
    const auto query = [&](dnnl_query_t what, int index) {
      return *dnnl_primitive_desc_query_md(call.desc.get(), what, index);
    };
    const Place destination{Place::In::kOutput, 0, slice.y_offset * 4};
    Place source{Place::In::kInput, 0, slice.x_offset * 4};
    if (copied) {
      source = {Place::In::kScratch, 0, 0};
      call.prepare = copy_padded(shape, slice);
    }
    call.arguments = {{DNNL_ARG_SRC, source, query(dnnl_query_src_md, 0)},
                      {DNNL_ARG_WEIGHTS, {Place::In::kInput, 1, 0}, weights},
                      {DNNL_ARG_DST, destination, query(dnnl_query_dst_md, 0)}};
    if (bias.present) {
      call.arguments.push_back(
          {DNNL_ARG_BIAS, {Place::In::kInput, 2, 0}, query(dnnl_query_weights_md, 1)});
    }
    if (residual.present) {
      call.before =
          Copy{{Place::In::kInput, 3, slice.y_offset * 4}, destination, slice.y.count() * 4};
    }
    finish_activation(call, activation, slice.y_offset, slice.y.count());
    Chunk& chunk = program.chunks.emplace_back();
    chunk.scratch_bytes = bind_scratch(call, copied ? slice.x.count() * 4 : 0);
    chunk.calls.push_back(std::move(call));
  }
  return program;
}

// The residual is added to what the destination holds.
bool conv_in_place(const KernelRequest&, int input, int output) {
  return input == 3 && output == 0;
}

}  // namespace

const KernelDef* conv() {
  static constexpr KernelDef kDef =
      program_def<build_conv>("conv.onednn", kOpKind<Conv>, conv_in_place);
  return &kDef;
}

}  // namespace memopt::onednn
