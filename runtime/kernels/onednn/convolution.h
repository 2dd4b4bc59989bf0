// The geometry of a convolution and of its slices, shared by the float and integer kernels.
#pragma once

#include <span>
#include <vector>

#include "runtime/kernels/kernel.h"
#include "runtime/kernels/onednn/cut.h"
#include "runtime/kernels/onednn/library.h"
#include "runtime/kernels/onednn/program.h"

namespace memopt::onednn {

// Checked: ranks 3 to 5, extents >= 1, 0 <= pads < extent of the dilated kernel, output as the
// attributes say, x and y dense and channels-last.
struct ConvShape {
  int spatial = 0;
  int64_t group = 1;
  Dims x, w, y;  // as ONNX has them
  Dims strides, dilations, pads_begin, pads_end;
  // One column per image, which the library is to see as one row: the same bytes, several times as
  // fast.
  bool is_line = false;

  int64_t flops() const;
  // The weights as oneDNN names them: with a leading dimension for groups.
  Dims weights_dims() const;
};

// Inputs: x, w.
Result<ConvShape> conv_shape(const ConvWindow& window, const Operand& x, const Operand& w,
                             const Operand& y);

// The same convolution in the form that cuts evenly: a pointwise one has one image of one column,
// one along a single axis has one column per image.
ConvShape arranged(const ConvShape& shape);

// What a slice of the output reads and how.
struct ConvSlice {
  Dims x, y;
  Dims pads_begin, pads_end;
  int64_t x_offset = 0;  // in elements
  int64_t y_offset = 0;
};
Result<ConvSlice> conv_slice(const ConvShape& shape, const Slice& slice);

struct ConvTypes {
  DType x = DType::kF32;
  DType w = DType::kF32;
  DType y = DType::kF32;
};

// The slices of a convolution with one primitive each; slices of equal geometry share theirs. All
// read weights in the order `weights`, the choice of one of them. Where the slices cannot agree on
// an order that has a good implementation for each, there is one slice: the whole.
struct ConvPieces {
  std::vector<ConvSlice> slices;
  std::vector<PrimitiveDesc> descs;
  MemoryDesc weights;
};
Result<ConvPieces> conv_pieces(const ConvShape& shape, std::span<const Slice> slices,
                               const ConvTypes& types, bool bias, const Attributes& attributes);

// True for a weights operand that conv_packing accepts: constant, packed or dense row-major.
bool is_packable(const Operand& w);
// Input `input`, packed to `to` from a constant whose element (m, c, kernel...) lies at w_strides.
Result<Packing> conv_packing(const ConvShape& shape, const Dims& w_strides, DType type, int input,
                             const MemoryDesc& to);
// Packed bytes as an argument: the library must not see (and zero) the padding inside.
Result<MemoryDesc> opaque_desc(int64_t bytes);

}  // namespace memopt::onednn
