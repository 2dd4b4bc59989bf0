// The graph transformations, one per file of this folder. Each returns whether it changed the
// graph; none changes what the graph computes, except for the rounding of folded weights.
#pragma once

#include "passes/pass.h"

namespace memopt {

// f16 and bf16 are widened to f32 where they are read and narrowed again only for the graph's
// outputs: what is between is computed in f32, for which there are fast kernels. Costs twice the
// bytes of those values.
Result<bool> widen_half(Graph& graph, const PassOptions& options);

// Drops nodes that do nothing (identity casts, slices, expands, pads, transposes), merges chains of
// reshapes and of transposes, gives clips with constant bounds their unary form.
Result<bool> canonicalize(Graph& graph, const PassOptions& options);

// Evaluates nodes whose operands are all constants, by the reference kernels, up to
// options.fold_limit_bytes.
Result<bool> fold_constants(Graph& graph, const PassOptions& options);

// Merges nodes with equal operators and operands.
Result<bool> cse(Graph& graph, const PassOptions& options);

// Removes nodes none of whose results is read, and optional outputs that nobody reads.
Result<bool> dce(Graph& graph, const PassOptions& options);

// Batch normalization with constant statistics: into the weights of the convolution before it, else
// one multiplication and one addition.
Result<bool> fold_batch_norm(Graph& graph, const PassOptions& options);

// conv(x) * c and conv(x) + c, with c constant per channel, into weights and bias.
Result<bool> fold_affine(Graph& graph, const PassOptions& options);

// A zero-valued Pad of spatial dimensions into the pads of the convolution behind it; out of it
// where its weights are not all finite: zero times infinity is NaN, and kernels that skip what is
// padded would differ.
Result<bool> fuse_pad(Graph& graph, const PassOptions& options);

// x * sigmoid(x) -> swish, x * hard_sigmoid(x) -> hard_swish, and the clip form of the latter.
Result<bool> fuse_patterns(Graph& graph, const PassOptions& options);

// Concatenations of concatenations along the same axis become one.
Result<bool> flatten_concat(Graph& graph, const PassOptions& options);

// Splits and slices of concatenations that come to whole parts of these read the parts.
Result<bool> undo_concat(Graph& graph, const PassOptions& options);

// matmul(a, b) + constant -> the c operand of matmul.
Result<bool> fuse_bias(Graph& graph, const PassOptions& options);

// conv(x) + y and matmul(a, b) + y -> the residual operand, y computed earlier.
Result<bool> fuse_residual(Graph& graph, const PassOptions& options);

// A unary function of a contraction's or addition's only use -> its activation; also of several of
// them that are joined, reshaped or transposed on the way to it.
Result<bool> fuse_activation(Graph& graph, const PassOptions& options);

// Computes the regions options.tiles in bands (passes/transform/tile.h).
Result<bool> tile(Graph& graph, const PassOptions& options);

// Chooses row-major or channels-last for every value and inserts Reorder nodes where they meet.
Result<bool> layout(Graph& graph, const PassOptions& options);

}  // namespace memopt
