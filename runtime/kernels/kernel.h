// The kernel interface: how an operator runs on a device. A kernel is chosen at compile time among
// those that support a request; the plan names it; the runtime looks the name up again and checks
// what it needs.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/target.h"
#include "runtime/base/tensor.h"
#include "runtime/ops/op.h"

namespace memopt {

// One operand as a kernel will see it. A missing optional operand has present == false.
struct Operand {
  bool present = false;
  bool constant = false;  // its bytes are known at compile time and never change
  DType dtype = DType::kF32;
  Layout layout = Layout::kRowMajor;
  Dims dims;
  Dims strides;  // in elements; ignored for kPacked
  // At compile time, the bytes of a constant (in the layout above); nullptr for all others, and at
  // load.
  const void* data = nullptr;
};

// What a kernel is asked to run. The spans must outlive the call only.
struct KernelRequest {
  const Op* op = nullptr;
  std::span<const Operand> inputs;
  std::span<const Operand> outputs;
  Target target;
};

// A constant operand that the kernel wants in its own order: the plan stores `bytes` bytes, written
// by KernelDef::pack, and the operand then has Layout::kPacked. Alignment is kConstantAlignment.
struct PackedOperand {
  int input = 0;
  int64_t bytes = 0;
  // Names the order within the kernel: one constant packed to equal orders gives equal bytes, so
  // that nodes which read the same constant share them.
  uint64_t order = 0;
};

// What a kernel needs for a request. Scratch is 64-byte aligned, private to the call, and does not
// depend on the number of threads.
struct KernelNeeds {
  int64_t scratch_bytes = 0;
  std::vector<PackedOperand> packed;
};

// Splits work over threads. `chunks` pieces are handed out in any order to any thread; what a piece
// computes must not depend on which thread runs it. Never allocates.
class Parallel {
 public:
  virtual ~Parallel() = default;
  virtual int threads() const = 0;
  // Calls body(context, chunk) for every chunk in [0, chunks), and returns when all are done.
  virtual void run(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context) = 0;

  // The same for a callable.
  template <typename F>
  void for_each(int64_t chunks, F&& body) {
    run(
        chunks,
        [](void* context, int64_t chunk) {
          (*static_cast<std::remove_reference_t<F>*>(context))(chunk);
        },
        const_cast<void*>(static_cast<const void*>(&body)));
  }
};

struct RunContext {
  std::span<const Tensor> inputs;   // data == nullptr: missing optional operand
  std::span<const Tensor> outputs;  // data == nullptr: an output nobody reads
  void* scratch = nullptr;
  Parallel* parallel = nullptr;  // null: all work is done on the calling thread
};

// A kernel made ready for a request: holds everything that can be computed before run(). All the
// nodes of a session that ask for the same share one, so what a run computes depends on its context
// alone.
class Kernel {
 public:
  virtual ~Kernel() = default;
  // One call at a time.
  // Reads inputs, writes outputs. Allocates nothing of memopt's own. Fails only on values that the
  // operator does not allow (an index out of range).
  virtual Status run(const RunContext& context) = 0;
};

// A plain record; the tables in kernels.cc list them all.
//
// A plan file is untrusted: at load, supports(), needs() and create() are asked again with requests
// that come from the file, with constants without data and packed operands kPacked (dims are still
// the logical ones). Types, shapes and attributes have passed the operator's type inference by then
// (OpDef::infer); what else a kernel relies on to stay inside its operands - layouts, strides - is
// for supports() to check. needs() lists the same packed operands with the same bytes as it did at
// compile time.
struct KernelDef {
  std::string_view name;  // unique, stored in plans: "conv.onednn", "conv.reference"
  OpKind op = 0;
  // Whether create() will succeed for this request. Must look at dtypes, layouts, strides and
  // target.
  bool (*supports)(const KernelRequest&) = nullptr;
  // Null: needs nothing.
  Result<KernelNeeds> (*needs)(const KernelRequest&) = nullptr;
  // Writes the packed form of constant input `input` (its data and layout are in the request). Null
  // if needs() never asks for one.
  Status (*pack)(const KernelRequest&, int input, std::span<std::byte> destination) = nullptr;
  // The request's packed operands have Layout::kPacked here.
  Result<std::unique_ptr<Kernel>> (*create)(const KernelRequest&) = nullptr;
  // True if output `output` may lie in exactly the memory of input `input` (same strides, same
  // bytes): the result is the same. Null: never.
  bool (*in_place)(const KernelRequest&, int input, int output) = nullptr;
};

// All kernels of an operator in order of preference, the reference kernel last. A table, in
// kernels.cc.
std::span<const KernelDef* const> kernels_for(OpKind op);
// By name, for the loader; nullptr if this build has none of that name.
const KernelDef* find_kernel(std::string_view name);
// The plain, obvious one: the oracle of tests and what constant folding runs. Nullptr for control
// flow.
const KernelDef* reference_kernel(OpKind op);

// Lets go of what kernels keep between requests, for whoever asks for the same again; those in use
// stay. Any thread, any time.
void forget_prepared_kernels();

inline constexpr int64_t kConstantAlignment = 64;
inline constexpr int64_t kArenaAlignment = 64;

}  // namespace memopt
