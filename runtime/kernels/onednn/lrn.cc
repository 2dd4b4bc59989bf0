// lrn.onednn: local response normalization across channels, f32, channels-last.
#include "runtime/kernels/onednn/cut.h"
#include "runtime/kernels/onednn/kernels.h"
#include "runtime/kernels/onednn/program.h"

namespace memopt::onednn {
namespace {

Result<Program> build_lrn(const KernelRequest& request) {
  const auto& op = std::get<Lrn>(*request.op);
  if (request.inputs.size() != 1 || request.outputs.size() != 1) {
    return internal_error("lrn: operands");
  }
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  // An even window is not centred; the library's always are.
  if (!x.present || !y.present || x.dtype != DType::kF32 || y.dtype != DType::kF32 ||
      x.dims.rank() != 4 || y.dims != x.dims || x.layout == Layout::kPacked ||
      y.layout == Layout::kPacked || op.window < 1 || op.window % 2 == 0 || op.window > 1024 ||
      !is_dense(x.dims, x.strides, Layout::kChannelsLast) ||
      !is_dense(y.dims, y.strides, Layout::kChannelsLast)) {
    return internal_error("lrn: types, layouts or window");
  }
  const auto count = checked_count(x.dims);
  if (!count || *count < 1 || *count > (int64_t{1} << 40)) return internal_error("lrn: extents");
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes, make_attributes({}, false));
  const int64_t rows = x.dims[0] * x.dims[2];  // a row reads only itself
  const int64_t row_bytes = *count / rows * 4;
  Program program;
  for (const Slice& slice : cut(1, rows, request.target.pieces, *count * 8, kWorthCuttingBytes)) {
    MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc desc, dense_desc({1, x.dims[1], slice.rows, x.dims[3]},
                                                              DType::kF32, Layout::kChannelsLast));
    dnnl_lrn_desc_t lrn;
    MEMOPT_RETURN_IF_ERROR(
        check(dnnl_lrn_forward_desc_init(&lrn, dnnl_forward_inference, dnnl_lrn_across_channels,
                                         &desc, op.window, static_cast<float>(op.alpha),
                                         static_cast<float>(op.beta), static_cast<float>(op.bias)),
              "lrn"));
    Call call;
    MEMOPT_ASSIGN_OR_RETURN(call.desc,
                            choose_implementation(&lrn, attributes, 2 * desc_bytes(desc)));
    call.arguments = {{DNNL_ARG_SRC, {Place::In::kInput, 0, slice.row * row_bytes}, desc},
                      {DNNL_ARG_DST, {Place::In::kOutput, 0, slice.row * row_bytes}, desc}};
    Chunk& chunk = program.chunks.emplace_back();
    chunk.scratch_bytes = bind_scratch(call);
    chunk.calls.push_back(std::move(call));
  }
  return program;
}

}  // namespace

const KernelDef* lrn() {
  static constexpr KernelDef kDef = program_def<build_lrn>("lrn.onednn", kOpKind<Lrn>);
  return &kDef;
}

}  // namespace memopt::onednn
