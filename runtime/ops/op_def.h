// What an operator means: one plain record per operator, found by op_def(). Passes ask it; they do
// not name operators. It is part of the runtime because a plan file is untrusted: its verifier
// infers the types of every instruction again, which is what kernels rely on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/type.h"
#include "runtime/ops/op.h"

namespace memopt {

// Input types of a node; nullptr for a missing optional input.
using InputTypes = std::span<const TensorType* const>;

// How an operator meets the channels-last layout (compiler/passes choose layouts by this).
enum class LayoutRule : uint8_t {
  kRowMajor,     // all operands and results row-major (reshape, gather, ...)
  kFollows,      // any layout, as long as all operands of full rank and the results share it
  kPrefersNhwc,  // input 0, the result and a residual channels-last where rank >= 4 (convolution,
                 // pooling, resize, ...)
  kAny,          // input 0 and the result may each have any layout (transpose, reorder)
};

// Where a smaller tensor lies inside a larger one: it starts at these logical coordinates, with
// step 1.
struct Box {
  Dims starts;
};

struct OpDef {
  int min_inputs = 1;
  int max_inputs = 1;  // kUnlimited for concat
  int outputs = 1;     // kUnlimited for split
  // Types of the outputs in row-major layout. Checks everything about the inputs and attributes
  // that the kernels rely on (ranks, element types, ranges, zero strides, ...) and names what is
  // wrong. Null for control flow, whose result types are those of its regions' outputs.
  Result<std::vector<TensorType>> (*infer)(const Op&, InputTypes) = nullptr;
  LayoutRule layout = LayoutRule::kRowMajor;

  // The alias facts are conservative: null means none.
  // Output `output` is this box of input 0 (outermost slices and splits become views where the
  // layout makes them contiguous).
  std::optional<Box> (*view)(const Op&, InputTypes, int output) = nullptr;
  // Output 0 is all of input 0 under other dimensions, element order unchanged in row-major
  // (reshape, identity).
  bool reshapes = false;
  // Dimension i of output 0 is dimension result[i] of input 0, the elements being the same
  // (transpose): a view where the layouts agree with the permutation.
  std::span<const int64_t> (*permutation)(const Op&) = nullptr;
  // Input `input` fills this box of output 0 (concat): its producer may write there directly.
  std::optional<Box> (*destination)(const Op&, InputTypes, int input) = nullptr;

  // Multiply-accumulates or element operations, for cost models and reports.
  int64_t (*operations)(const Op&, InputTypes, std::span<const TensorType> outputs) = nullptr;
};

inline constexpr int kUnlimited = 1 << 20;

const OpDef& op_def(OpKind kind);
inline const OpDef& op_def(const Op& op) { return op_def(op_kind(op)); }

// Infers with the arity checked first.
Result<std::vector<TensorType>> infer_types(const Op& op, InputTypes inputs);

// The definitions, one per line of ops.inc, in runtime/ops/<family>.cc.
#define OP(name) const OpDef& name##_def();
#include "runtime/ops/ops.inc"
#undef OP

}  // namespace memopt
