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

// The rows [begin, end) of a dimension.
struct Interval {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t count() const { return end - begin; }
  bool operator==(const Interval&) const = default;
};

// Some rows of one axis of a tensor, all of the other axes.
struct AxisRange {
  int axis = 0;
  Interval rows;
  bool operator==(const AxisRange&) const = default;
};

// How some rows of a result are computed from parts of the operands.
struct OpBand {
  Op op;                                         // applied to the parts
  std::vector<std::optional<AxisRange>> inputs;  // per operand; nullopt: all of it
  // The rows that `op` makes. They contain those asked for; only those asked for are right.
  Interval rows;
  int outputs = 1;  // results 0 to outputs - 1 are made, each with these rows of the same axis
};

struct OpDef {
  // Operands: the first min_inputs must be present; those behind may be missing, in the middle of
  // the list or at its end, unless infer() refuses.
  int min_inputs = 1;
  int max_inputs = 1;  // kUnlimited for concat
  // Results: there are as many as infer() gives types. The first required_results have a place
  // even if nobody reads them; the others may be absent, but not all of them.
  int required_results = 1;
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

  // The parts of the operands that rows [begin, end) of result 0 along `axis` need, and the
  // operator that makes these rows of them, bit for bit by the same kernel. Conservative: null or
  // nullopt where the result cannot be split along this axis. Ask band_of(), which checks the
  // arguments.
  std::optional<OpBand> (*band)(const Op&, InputTypes, std::span<const TensorType> outputs,
                                int axis, Interval rows) = nullptr;

  // Multiply-accumulates or element operations, for cost models and reports.
  int64_t (*operations)(const Op&, InputTypes, std::span<const TensorType> outputs) = nullptr;
};

inline constexpr int kUnlimited = 1 << 20;

const OpDef& op_def(OpKind kind);
inline const OpDef& op_def(const Op& op) { return op_def(op_kind(op)); }

// Infers with the operands' arity checked first.
Result<std::vector<TensorType>> infer_types(const Op& op, InputTypes inputs);

// The results' side of the arity, which kernels rely on as they do on the types: a node or an
// instruction has exactly the results that infer_types() gives, `inferred` of them, and those that
// are present are enough.
Status check_results(const Op& op, size_t inferred, const std::vector<bool>& present);

// The band of a node whose types are as infer_types() gives them; nullopt where `rows` is empty or
// not within the axis, elements are smaller than a byte, or the operator cannot be split there.
std::optional<OpBand> band_of(const Op& op, InputTypes inputs, std::span<const TensorType> outputs,
                              int axis, Interval rows);

// The type of a part; all of it for nullopt.
TensorType part_type(const TensorType& type, const std::optional<AxisRange>& part);

// The definitions, one per line of ops.inc, in runtime/ops/<family>.cc.
#define OP(name) const OpDef& name##_def();
#include "runtime/ops/ops.inc"
#undef OP

}  // namespace memopt
