// A plan: everything the runtime needs to execute a model in one arena of a known size. Plain data,
// made by the compiler, written to a file (write.h), read back (load.h), proved safe by code that
// knows nothing of how it was made (verify.h).
//
// Values live in a storage space at a byte offset. A value is a root, which owns its bytes, or an
// alias: a part of another value. Every root is written once, before it is read, either whole or
// part by part through its aliases. Roots of the arena may share bytes when one is dead before the
// other is written, or when the kernel that reads the first and writes the second allows it in
// place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/dtype.h"
#include "runtime/base/shape.h"
#include "runtime/base/target.h"
#include "runtime/base/tensor.h"
#include "runtime/ops/op.h"

namespace memopt {

// Where a value's bytes are.
enum class Storage : uint8_t {
  kArena,     // in the arena, one run at a time
  kConstant,  // in the constants section of the plan, never written
  kCaller,    // in a buffer that the caller binds; only inputs, outputs and their aliases
  kState,     // kept from run to run in a block of the caller's; only states and their aliases
};
std::string_view storage_name(Storage storage);  // "arena", "constant", "caller", "state"

// How a value lies inside its parent. The parent may itself be an alias; chains end at a root.
struct PlanAlias {
  uint32_t parent = 0;
  // True: this value is all of the parent under other dimensions: the same elements of the same
  // type, with strides that name the same places (reshape, squeeze, transpose, identity).
  // False: this value is the box of the parent that starts at `starts` (one logical coordinate per
  // dimension) and extends over this value's dims; strides equal the parent's.
  bool whole = false;
  Dims starts;
  bool operator==(const PlanAlias&) const = default;
};

struct PlanValue {
  std::string name;  // unique; ONNX's name where it has one
  DType dtype = DType::kF32;
  Layout layout = Layout::kRowMajor;
  Dims dims;     // logical, ONNX's order
  Dims strides;  // in elements; for kPacked (constants only) empty
  Storage storage = Storage::kArena;
  // Of element 0, from the start of the space: the arena, the constants, or the root's own buffer
  // (kCaller: 0 for a root).
  int64_t offset_bytes = 0;
  // From the first byte to the end of the last one: extent_bytes() of the above; for kPacked what
  // the kernel asked for.
  int64_t bytes = 0;
  std::optional<PlanAlias> alias;
  bool operator==(const PlanValue&) const = default;
};

// One call of a kernel. Operands are indices of values; nullopt: a missing optional one.
struct PlanInstruction {
  Op op;
  std::string kernel;  // KernelDef::name
  std::vector<std::optional<uint32_t>> inputs;
  std::vector<std::optional<uint32_t>> outputs;
  int64_t scratch_offset_bytes = 0;  // in the arena, a multiple of kArenaAlignment
  int64_t scratch_bytes = 0;
  std::string name;  // of the ONNX node(s) it does the work of, joined with '+'
  bool operator==(const PlanInstruction&) const = default;
};

// What the lower bound was proved over.
enum class BoundKind : uint8_t { kFixedOrder, kAllOrders };
std::string_view bound_kind_name(BoundKind kind);  // "fixed_order", "all_orders"

// What the compiler says about the arena. Information for people: nothing in the runtime relies on
// it, and the verifier rejects only what cannot be. Proofs are files of their own
// (docs/certificates.md).
struct PlanCertificate {
  // Every value and scratch of the model its own bytes, before a rewrite cut any into bands.
  int64_t naive_bytes = 0;
  int64_t lower_bound_bytes = 0;  // no plan of these instructions needs fewer arena bytes
  BoundKind kind = BoundKind::kFixedOrder;
  std::string method;  // the planner, and how the bound was found
  bool operator==(const PlanCertificate&) const = default;
};

// A value that lives on from run to run: the bytes that `before` names when a run begins, and
// `after` when it ends. Both are roots in Storage::kState of one type and place, written and read
// like values of the arena: `after` when all that reads `before` has run, or by a kernel that works
// in place.
struct PlanState {
  uint32_t before = 0;  // gives the state its name
  uint32_t after = 0;
  std::optional<uint32_t> initial;  // a constant root of that type and layout; nullopt: zeros
  bool operator==(const PlanState&) const = default;
};

struct Plan {
  std::string producer;    // "memopt 0.1.0"
  std::string model_name;  // of the ONNX graph; no path
  Target target;
  std::vector<std::string> options;  // of the compiler, as "name=value", sorted
  std::vector<PlanValue> values;
  std::vector<PlanInstruction> instructions;  // in the order of execution
  // The signature: distinct inputs, each a root; outputs may repeat unless they are kCaller, and
  // are never constants.
  std::vector<uint32_t> inputs;
  std::vector<uint32_t> outputs;
  std::vector<PlanState> states;  // disjoint; neither inputs nor outputs
  int64_t arena_bytes = 0;
  int64_t arena_alignment = 64;  // of the arena's first byte; a power of two >= kArenaAlignment
  int64_t constants_bytes = 0;   // constant roots: multiples of kConstantAlignment, disjoint
  int64_t state_bytes = 0;       // of the block that states lie in, aligned as the arena
  PlanCertificate certificate;
  bool operator==(const Plan&) const = default;
};

// Bytes from element (0, ..., 0) to the end of the last element; 0 without elements. Nullopt where
// dimensions or strides are out of range or ambiguous (two elements in one place), or on overflow.
std::optional<int64_t> extent_bytes(DType dtype, const Dims& dims, const Dims& strides);

// The root of a value: itself, or where its chain of aliases ends. For plans that are verified or
// made by the compiler.
uint32_t root_of(const Plan& plan, uint32_t value);

// Everything in the plan as text, one line per value and instruction.
std::string dump_plan(const Plan& plan);

}  // namespace memopt
