// pool.onednn: max (i8, u8) and average (f32) pooling, channels-last. The library's maximum of
// floats starts from the lowest finite one, and so makes a window of -inf something else.
#include <algorithm>

#include "runtime/kernels/onednn/convolution.h"
#include "runtime/kernels/onednn/kernels.h"

namespace memopt::onednn {
namespace {

Error unsupported(const char* why) { return internal_error(std::string("pool: ") + why); }

// A pool is a depthwise convolution's geometry with another kernel.
Result<ConvShape> pool_shape(const Pool& op, const Operand& x, const Operand& y) {
  const int n = x.dims.rank() - 2;
  const auto count = static_cast<size_t>(n);
  if (n < 1 || n > 3 || op.kernel.size() != count || op.pads.size() != 2 * count ||
      op.strides.size() != count || y.dims.rank() != n + 2) {
    return unsupported("rank");
  }
  if (std::any_of(op.dilations.begin(), op.dilations.end(), [](int64_t d) { return d != 1; })) {
    return unsupported("dilations");
  }
  ConvWindow window{op.strides, std::vector<int64_t>(count, 1), op.pads, x.dims[1]};
  Operand w;
  w.dims = {x.dims[1], 1};
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    const int64_t kernel = op.kernel[at];
    w.dims.push_back(kernel);
    // With ceil_mode the last window may hang over the end: more padding there, which counts for
    // nothing.
    const int64_t stride = op.strides[at];
    if (stride < 1 || stride >= (1 << 20) || kernel < 1 || kernel >= (1 << 20)) {
      return unsupported("window");
    }
    const int64_t reach = (y.dims[i + 2] - 1) * stride + kernel - op.pads[at] - x.dims[i + 2];
    if (reach > op.pads[at + count]) {
      if (!op.ceil_mode || (op.fn == PoolFn::kAverage && op.count_include_pad)) {
        return unsupported("ceiling");
      }
      window.pads[at + count] = reach;
    }
  }
  return conv_shape(window, x, w, y);
}

Result<Program> build_pool(const KernelRequest& request) {
  const auto& op = std::get<Pool>(*request.op);
  if (request.inputs.size() != 1 || request.outputs.empty() || request.outputs.size() > 2 ||
      (request.outputs.size() == 2 && request.outputs[1].present)) {
    return unsupported("operands");
  }
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  const bool byte = x.dtype == DType::kI8 || x.dtype == DType::kU8;
  if (!x.present || !y.present || x.dtype != y.dtype || x.layout == Layout::kPacked ||
      y.layout == Layout::kPacked || op.fn == PoolFn::kLp ||
      (op.fn == PoolFn::kMax ? !byte : x.dtype != DType::kF32)) {
    return unsupported("types");
  }
  MEMOPT_ASSIGN_OR_RETURN(const ConvShape shape, pool_shape(op, x, y));
  const dnnl_alg_kind_t algorithm = op.fn == PoolFn::kMax  ? dnnl_pooling_max
                                    : op.count_include_pad ? dnnl_pooling_avg_include_padding
                                                           : dnnl_pooling_avg_exclude_padding;
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes, make_attributes({}, false));
  const int64_t element = dtype_bits(x.dtype) / 8;
  const Dims kernel(shape.w.span().subspan(2));
  Program program;
  for (const Slice& slice :
       cut(shape.y[0], shape.y[2], request.target.pieces,
           (shape.x.count() + shape.y.count()) * element, kWorthCuttingBytes)) {
    MEMOPT_ASSIGN_OR_RETURN(const ConvSlice part, conv_slice(shape, slice));
    MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc from,
                            dense_desc(part.x, x.dtype, Layout::kChannelsLast));
    MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc to,
                            dense_desc(part.y, x.dtype, Layout::kChannelsLast));
    dnnl_pooling_desc_t pool;
    MEMOPT_RETURN_IF_ERROR(
        check(dnnl_pooling_forward_desc_init(&pool, dnnl_forward_inference, algorithm, &from, &to,
                                             shape.strides.begin(), kernel.begin(),
                                             part.pads_begin.begin(), part.pads_end.begin()),
              "pool"));
    Call call;
    MEMOPT_ASSIGN_OR_RETURN(
        call.desc, choose_implementation(&pool, attributes, desc_bytes(from) + desc_bytes(to)));
    call.arguments = {{DNNL_ARG_SRC, {Place::In::kInput, 0, part.x_offset * element}, from},
                      {DNNL_ARG_DST, {Place::In::kOutput, 0, part.y_offset * element}, to}};
    Chunk& chunk = program.chunks.emplace_back();
    chunk.scratch_bytes = bind_scratch(call);
    chunk.calls.push_back(std::move(call));
  }
  return program;
}

}  // namespace

const KernelDef* pool() {
  static constexpr KernelDef kDef = program_def<build_pool>("pool.onednn", kOpKind<Pool>);
  return &kDef;
}

}  // namespace memopt::onednn
