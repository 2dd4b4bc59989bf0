// reorder.onednn: the same elements in another layout (f32, i32, i8, u8).
#include <algorithm>

#include "runtime/kernels/onednn/cut.h"
#include "runtime/kernels/onednn/kernels.h"
#include "runtime/kernels/onednn/program.h"

namespace memopt::onednn {
namespace {

// Dense, or a part of a larger tensor in the same layout: the strides grow from the last stored
// dimension to the first.
bool is_box(const Operand& operand) {
  const Dims& dims = operand.dims;
  const Dims order = dense_strides(dims, operand.layout);
  for (int i = 0; i < dims.rank(); ++i) {
    const int64_t stride = operand.strides[i];
    if (dims[i] == 1) continue;
    if (stride < order[i] || stride > (int64_t{1} << 40)) return false;
    for (int j = 0; j < dims.rank(); ++j) {
      if (dims[j] == 1 || order[j] >= order[i]) continue;
      // All of the inner dimension lies before the next step of the outer one.
      if (operand.strides[j] > stride / dims[j]) return false;
    }
  }
  return true;
}

Result<Program> build_reorder(const KernelRequest& request) {
  if (request.inputs.size() != 1 || request.outputs.size() != 1) {
    return internal_error("reorder: operands");
  }
  const Operand& x = request.inputs[0];
  const Operand& y = request.outputs[0];
  const int rank = x.dims.rank();
  const auto is_served = [](const Operand& operand) {
    return operand.present && operand.layout != Layout::kPacked && data_type(operand.dtype);
  };
  if (rank < 3 || rank > 5 || y.dims != x.dims || y.dtype != x.dtype || !is_served(x) ||
      !is_served(y) || !is_box(x) || !is_box(y)) {
    return internal_error("reorder: types or layouts");
  }
  const auto count = checked_count(x.dims);
  if (!count || *count < 1 || *count > (int64_t{1} << 40))
    return internal_error("reorder: extents");
  const int64_t element = dtype_bits(x.dtype) / 8;
  const Dims from_strides = x.strides;
  const Dims to_strides = y.strides;
  Program program;
  for (const Slice& slice :
       cut(x.dims[0], x.dims[2], request.target.pieces, 2 * *count * element, kWorthCuttingBytes)) {
    Dims dims = x.dims;
    dims[0] = slice.images;
    dims[2] = slice.rows;
    const auto offset = [&](const Dims& strides) {
      return (slice.image * strides[0] + slice.row * strides[2]) * element;
    };
    MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc from, strided_desc(dims, from_strides, x.dtype));
    MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc to, strided_desc(dims, to_strides, x.dtype));
    Call call;
    MEMOPT_ASSIGN_OR_RETURN(call.desc, reorder_desc(from, to));
    if (!is_acceptable(call.desc.get(), 2 * *count * element)) {
      return internal_error("reorder: only slow implementations");
    }
    call.arguments = {{DNNL_ARG_FROM, {Place::In::kInput, 0, offset(from_strides)}, from},
                      {DNNL_ARG_TO, {Place::In::kOutput, 0, offset(to_strides)}, to}};
    Chunk& chunk = program.chunks.emplace_back();
    chunk.scratch_bytes = bind_scratch(call);
    chunk.calls.push_back(std::move(call));
  }
  return program;
}

}  // namespace

const KernelDef* reorder() {
  static constexpr KernelDef kDef = program_def<build_reorder>("reorder.onednn", kOpKind<Reorder>);
  return &kDef;
}

}  // namespace memopt::onednn
