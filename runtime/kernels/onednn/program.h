// A kernel as a list of oneDNN calls. Every kernel of this folder is one function from a request to
// a Program; adapt() makes a KernelDef of it.
//
// oneDNN runs on the calling thread. A large operator is cut into chunks, the same whatever the
// number of threads: each chunk has its own primitives, memory objects and scratch.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/kernels/kernel.h"
#include "runtime/kernels/onednn/library.h"

namespace memopt::onednn {

// Where some bytes of a run lie.
struct Place {
  enum class In : uint8_t { kInput, kOutput, kScratch };
  In in = In::kInput;
  int operand = 0;           // of kInput and kOutput
  int64_t offset_bytes = 0;  // for kScratch: within the chunk's part
};

struct Argument {
  int id = 0;  // DNNL_ARG_*
  Place place;
  MemoryDesc desc;
};

struct Copy {
  Place from;
  Place to;
  int64_t bytes = 0;
};

struct Call {
  PrimitiveDesc desc;
  std::vector<Argument> arguments;
  std::optional<Copy> before;  // skipped where both places are the same
  // What memopt does itself before and after the primitive, with the chunk's scratch; null:
  // nothing.
  std::function<void(const RunContext&, std::byte* scratch)> prepare;
  std::function<void(const RunContext&, std::byte* scratch)> after;
};

// An activation as two: what the library does in the same pass, and what memopt does to each call's
// floats behind it. The library's maxima turn NaN into a bound, so clamps are memopt's.
struct SplitActivation {
  Activation in_library;
  std::function<void(float* values, int64_t count)> behind;  // null: nothing
};
SplitActivation split_activation(const Activation& activation, Isa isa);
// Adds what is left of the activation to a call that writes `count` floats of output 0 from
// `offset` on.
void finish_activation(Call& call, const SplitActivation& activation, int64_t offset,
                       int64_t count);

// The calls of a chunk run one after the other and share its scratch.
struct Chunk {
  std::vector<Call> calls;
  int64_t scratch_bytes = 0;
};

// A part of a constant operand in the order that the library chose.
struct PackedPart {
  MemoryDesc from;  // at the operand's first byte + from_offset_bytes
  MemoryDesc to;    // at the packed operand's first byte + offset_bytes
  int64_t from_offset_bytes = 0;
  int64_t offset_bytes = 0;
};

struct Packing {
  int input = -1;  // none
  std::vector<PackedPart> parts;
  int64_t bytes = 0;  // of the parts and of the stamp behind them

  // Appends a part and returns where it lies.
  int64_t add(const MemoryDesc& from, int64_t from_offset_bytes, const MemoryDesc& to);
};

// The primitives of a program, which all sessions that run it share for as long as one of them
// lives. In place of the library's own cache, which ends the process where memory fails and keeps
// what nobody uses.
class SharedPrimitives {
 public:
  Result<Primitive> get(const PrimitiveDesc& desc);

 private:
  std::weak_ptr<std::remove_pointer_t<dnnl_primitive_t>>& entry(const PrimitiveDesc& desc);

  std::mutex mutex_;
  std::vector<
      std::pair<dnnl_primitive_desc_t, std::weak_ptr<std::remove_pointer_t<dnnl_primitive_t>>>>
      entries_;
};

struct Program {
  std::vector<Chunk> chunks;
  Packing packing;
  std::shared_ptr<SharedPrimitives> primitives = std::make_shared<SharedPrimitives>();

  int64_t scratch_bytes() const;
};

// Finishes a call: binds its scratch behind `used_bytes` of the chunk's own. Returns the bytes that
// the chunk needs for it.
int64_t bind_scratch(Call& call, int64_t used_bytes = 0);

using BuildProgram = Result<Program> (*)(const KernelRequest&);

// The program for a request; the last few are kept, since the compiler asks for the same one
// several times in a row, and networks repeat their shapes.
Result<std::shared_ptr<const Program>> find_program(const KernelRequest& request,
                                                    BuildProgram build);

Result<KernelNeeds> program_needs(const Program& program);
Status pack_program(const Program& program, const KernelRequest& request, int input,
                    std::span<std::byte> destination);
Result<std::unique_ptr<Kernel>> make_kernel(std::shared_ptr<const Program> program);

// The KernelDef of a build function.
template <BuildProgram build>
struct ProgramKernelDef {
  static bool supports(const KernelRequest& request) { return find_program(request, build).ok(); }
  static Result<KernelNeeds> needs(const KernelRequest& request) {
    MEMOPT_ASSIGN_OR_RETURN(const auto program, find_program(request, build));
    return program_needs(*program);
  }
  static Status pack(const KernelRequest& request, int input, std::span<std::byte> destination) {
    MEMOPT_ASSIGN_OR_RETURN(const auto program, find_program(request, build));
    return pack_program(*program, request, input, destination);
  }
  static Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
    MEMOPT_ASSIGN_OR_RETURN(auto program, find_program(request, build));
    return make_kernel(std::move(program));
  }
};

template <BuildProgram build>
constexpr KernelDef program_def(std::string_view name, OpKind op,
                                bool (*in_place)(const KernelRequest&, int, int) = nullptr) {
  using Def = ProgramKernelDef<build>;
  return {name, op, Def::supports, Def::needs, Def::pack, Def::create, in_place};
}

}  // namespace memopt::onednn
