// All kernels of this build, per operator, in order of preference.

#include "runtime/kernels/cpu/kernels.h"

#include <algorithm>
#include <array>

#include "runtime/kernels/kernel.h"
#include "runtime/kernels/onednn/kernels.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

// Faster kernels, best first; the reference kernels follow them.
constexpr const KernelDef* (*kFastKernels[])() = {
    cpu::filter,
    cpu::packed_conv,
    onednn::conv,
    onednn::conv_transpose,
    cpu::packed_matmul,
    onednn::matmul,
    cpu::packed_matmul_in_run,
    onednn::qlinear_conv,
    onednn::conv_integer,
    onednn::qlinear_matmul,
    onednn::matmul_integer,
    cpu::pool,
    onednn::pool,
    cpu::batch_norm,
    cpu::instance_norm,
    cpu::layer_norm,
    cpu::lrn,
    onednn::lrn,
    cpu::softmax,
    cpu::reduce,
    cpu::unary,
    cpu::binary,
    cpu::clip,
    cpu::resize,
    cpu::quantize_linear,
    cpu::dequantize_linear,
    cpu::concat,
    cpu::split,
    cpu::slice,
    cpu::transpose,
    cpu::tile,
    cpu::depth_to_space,
    cpu::space_to_depth,
    cpu::pad,
    cpu::expand,
    cpu::copy,
    onednn::reorder,
    cpu::reorder,
};

struct Row {
  std::vector<const KernelDef*> kernels;  // best first
  const KernelDef* reference = nullptr;   // the last of them; null for control flow
};
using Table = std::array<Row, kOpCount>;

Table make_table() {
  Table table;
  for (const auto fast : kFastKernels) table[fast()->op].kernels.push_back(fast());
#define OP(name)                                              \
  if (const KernelDef* kernel = name##_reference(); kernel) { \
    table[kOpKind<name>].kernels.push_back(kernel);           \
    table[kOpKind<name>].reference = kernel;                  \
  }
#include "runtime/ops/ops.inc"
#undef OP
  return table;
}

const Table& table() {
  static const Table kTable = make_table();
  return kTable;
}

}  // namespace

std::span<const KernelDef* const> kernels_for(OpKind op) { return table()[op].kernels; }

const KernelDef* reference_kernel(OpKind op) { return table()[op].reference; }

void forget_prepared_kernels() { onednn::forget_programs(); }

const KernelDef* find_kernel(std::string_view name) {
  for (const Row& row : table()) {
    for (const KernelDef* kernel : row.kernels) {
      if (kernel->name == name) return kernel;
    }
  }
  return nullptr;
}

}  // namespace memopt
