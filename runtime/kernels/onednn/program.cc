#include "runtime/kernels/onednn/program.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>

#include "runtime/base/checked.h"
#include "runtime/kernels/cpu/elementwise_loops.h"
#include "runtime/kernels/operands.h"
#include "runtime/kernels/strided.h"

namespace memopt::onednn {
namespace {

// Behind the packed parts: a hash of their layouts, so that weights packed by another version of
// the library, or for another processor, are refused and not misread.
constexpr int64_t kStampBytes = kConstantAlignment;

class Hash {
 public:
  void add(int64_t value) {
    for (int i = 0; i < 8; ++i) {
      state_ = (state_ ^ ((static_cast<uint64_t>(value) >> (8 * i)) & 0xff)) * 0x100000001b3u;
    }
  }
  uint64_t value() const { return state_; }

 private:
  uint64_t state_ = 0xcbf29ce484222325u;  // FNV-1a
};

uint64_t stamp(const Packing& packing) {
  Hash hash;
  const dnnl_version_t* version = dnnl_version();
  hash.add(version->major);
  hash.add(version->minor);
  for (const PackedPart& part : packing.parts) {
    const MemoryDesc& desc = part.to;
    const dnnl_blocking_desc_t& blocking = desc.format_desc.blocking;
    hash.add(desc.ndims);
    hash.add(desc.data_type);
    hash.add(part.offset_bytes);
    for (int i = 0; i < desc.ndims; ++i) {
      hash.add(desc.dims[i]);
      hash.add(desc.padded_dims[i]);
      hash.add(blocking.strides[i]);
    }
    for (int i = 0; i < blocking.inner_nblks; ++i) {
      hash.add(blocking.inner_blks[i]);
      hash.add(blocking.inner_idxs[i]);
    }
    hash.add(static_cast<int64_t>(desc.extra.flags));
    hash.add(desc.extra.compensation_mask);
    hash.add(desc.extra.asymm_compensation_mask);
  }
  return hash.value();
}

// The stamp, and where the parts come from.
uint64_t order_of(const Packing& packing) {
  Hash hash;
  hash.add(static_cast<int64_t>(stamp(packing)));
  for (const PackedPart& part : packing.parts) {
    hash.add(part.from_offset_bytes);
    hash.add(part.from.ndims);
    for (int i = 0; i < part.from.ndims; ++i) {
      hash.add(part.from.dims[i]);
      hash.add(part.from.format_desc.blocking.strides[i]);
    }
  }
  return hash.value();
}

// A memory object, where it lies, and the address it has: nodes that share the kernel change it.
struct Slot {
  Memory memory;
  Place place;
  void* handle = nullptr;
};

struct PreparedCall {
  const Call* call = nullptr;
  Primitive primitive;
  Stream stream;
  std::vector<Slot> slots;
  std::vector<dnnl_exec_arg_t> arguments;
};

class ProgramKernel final : public Kernel {
 public:
  explicit ProgramKernel(std::shared_ptr<const Program> program)
      : program_(std::move(program)), stamp_(stamp(program_->packing)) {}

  Status prepare() {
    for (const Chunk& chunk : program_->chunks) {
      scratch_offsets_.push_back(scratch_bytes_);
      scratch_bytes_ += chunk.scratch_bytes;
      auto& calls = chunks_.emplace_back();
      for (const Call& call : chunk.calls) {
        PreparedCall& prepared = calls.emplace_back();
        prepared.call = &call;
        MEMOPT_ASSIGN_OR_RETURN(prepared.primitive, program_->primitives->get(call.desc));
        MEMOPT_ASSIGN_OR_RETURN(prepared.stream, make_stream());
        for (const Argument& argument : call.arguments) {
          MEMOPT_ASSIGN_OR_RETURN(Memory memory, make_memory(argument.desc));
          prepared.arguments.push_back({argument.id, memory.get()});
          prepared.slots.push_back({std::move(memory), argument.place, nullptr});
        }
      }
    }
    return {};
  }

  Status run(const RunContext& context) override {
    MEMOPT_RETURN_IF_ERROR(check_stamp(context));
    std::atomic<dnnl_status_t> failure = dnnl_success;
    const auto body = [&](int64_t chunk) {
      const dnnl_status_t status = run_chunk(context, static_cast<size_t>(chunk));
      if (status != dnnl_success) failure = status;
    };
    for_each_chunk(context.parallel, static_cast<int64_t>(chunks_.size()), body);
    if (failure == dnnl_success) return {};
    return check(failure, "execution");
  }

 private:
  Status check_stamp(const RunContext& context) {
    const Packing& packing = program_->packing;
    if (packing.input < 0) return {};
    const void* data = context.inputs[static_cast<size_t>(packing.input)].data;
    if (data == checked_) return {};
    uint64_t found;
    std::memcpy(&found, static_cast<const std::byte*>(data) + packing.bytes - kStampBytes,
                sizeof(found));
    if (found != stamp_) {
      return bad_input(
          "the plan's weights are packed in another order than oneDNN uses here; recompile for "
          "this machine");
    }
    checked_ = data;
    return {};
  }

  static std::byte* resolve(const RunContext& context, const Place& place, std::byte* scratch) {
    const auto operand = static_cast<size_t>(place.operand);
    void* base = scratch;
    if (place.in == Place::In::kInput) base = context.inputs[operand].data;
    if (place.in == Place::In::kOutput) base = context.outputs[operand].data;
    return static_cast<std::byte*>(base) + place.offset_bytes;
  }

  dnnl_status_t run_chunk(const RunContext& context, size_t chunk) {
    std::byte* scratch = static_cast<std::byte*>(context.scratch) + scratch_offsets_[chunk];
    for (PreparedCall& prepared : chunks_[chunk]) {
      if (prepared.call->prepare) prepared.call->prepare(context, scratch);
      if (const auto& copy = prepared.call->before; copy.has_value()) {
        const std::byte* from = resolve(context, copy->from, scratch);
        std::byte* to = resolve(context, copy->to, scratch);
        if (from != to) std::memcpy(to, from, static_cast<size_t>(copy->bytes));
      }
      {
        const LibraryCall call;
        for (Slot& slot : prepared.slots) {
          void* handle = resolve(context, slot.place, scratch);
          if (handle == slot.handle) continue;
          const dnnl_status_t status = dnnl_memory_set_data_handle(slot.memory.get(), handle);
          if (status != dnnl_success) return status;
          slot.handle = handle;
        }
        const dnnl_status_t status = dnnl_primitive_execute(
            prepared.primitive.get(), prepared.stream.get(),
            static_cast<int>(prepared.arguments.size()), prepared.arguments.data());
        if (status != dnnl_success) return status;
      }
      if (prepared.call->after) prepared.call->after(context, scratch);
    }
    return dnnl_success;
  }

  std::shared_ptr<const Program> program_;
  uint64_t stamp_;
  const void* checked_ = nullptr;  // the packed operand whose stamp was seen to be right
  std::vector<std::vector<PreparedCall>> chunks_;
  std::vector<int64_t> scratch_offsets_;
  int64_t scratch_bytes_ = 0;
};

struct CachedProgram {
  BuildProgram build = nullptr;
  Op op;
  Target target;
  std::vector<int64_t> operands;
  std::shared_ptr<const Program> program;  // null: not supported
  Error error;
};

struct ProgramCache {
  std::mutex mutex;
  std::vector<CachedProgram> entries;
  size_t next = 0;  // to be replaced
};
constexpr size_t kCachedPrograms = 64;

ProgramCache& program_cache() {
  static ProgramCache* const kCache = new ProgramCache;
  return *kCache;
}

const CachedProgram* find_same(const ProgramCache& cache, const CachedProgram& wanted) {
  for (const CachedProgram& entry : cache.entries) {
    if (entry.build == wanted.build && entry.operands == wanted.operands &&
        entry.target == wanted.target && entry.op == wanted.op) {
      return &entry;
    }
  }
  return nullptr;
}

// The entry for the same request, if it is still there.
std::optional<CachedProgram> cached(const CachedProgram& wanted) {
  ProgramCache& cache = program_cache();
  const std::scoped_lock lock(cache.mutex);
  const CachedProgram* found = find_same(cache, wanted);
  return found ? std::optional(*found) : std::nullopt;
}

// Stores an entry, or returns the one that another thread stored meanwhile.
CachedProgram keep(CachedProgram made) {
  ProgramCache& cache = program_cache();
  const std::scoped_lock lock(cache.mutex);
  if (const CachedProgram* found = find_same(cache, made)) return *found;
  if (cache.entries.size() < kCachedPrograms) {
    cache.entries.push_back(made);
  } else {
    cache.entries[cache.next] = made;
    cache.next = (cache.next + 1) % kCachedPrograms;
  }
  return made;
}

Result<std::shared_ptr<const Program>> result_of(const CachedProgram& entry) {
  if (entry.program == nullptr) return entry.error;
  return entry.program;
}

}  // namespace

void forget_programs() {
  ProgramCache& cache = program_cache();
  const std::scoped_lock lock(cache.mutex);
  cache.entries = {};
  cache.next = 0;
}

std::weak_ptr<std::remove_pointer_t<dnnl_primitive_t>>& SharedPrimitives::entry(
    const PrimitiveDesc& desc) {
  for (auto& [key, primitive] : entries_) {
    if (key == desc.get()) return primitive;
  }
  return entries_.emplace_back(desc.get(), Primitive()).second;
}

Result<Primitive> SharedPrimitives::get(const PrimitiveDesc& desc) {
  {
    const std::scoped_lock lock(mutex_);
    if (Primitive primitive = entry(desc).lock()) return primitive;
  }
  // Not under the lock: it takes long.
  MEMOPT_ASSIGN_OR_RETURN(Primitive made, make_primitive(desc));
  const std::scoped_lock lock(mutex_);
  if (Primitive primitive = entry(desc).lock()) return primitive;  // of another thread, meanwhile
  entry(desc) = made;
  return made;
}

int64_t Packing::add(const MemoryDesc& from, int64_t from_offset_bytes, const MemoryDesc& to) {
  const int64_t offset = bytes == 0 ? 0 : bytes - kStampBytes;
  parts.push_back({from, to, from_offset_bytes, offset});
  bytes = align_up(offset + desc_bytes(to), kConstantAlignment) + kStampBytes;
  return offset;
}

int64_t Program::scratch_bytes() const {
  int64_t bytes = 0;
  for (const Chunk& chunk : chunks) bytes += chunk.scratch_bytes;
  return bytes;
}

SplitActivation split_activation(const Activation& activation, Isa isa) {
  if (activation.fn != UnaryFn::kRelu && activation.fn != UnaryFn::kClip) return {activation, {}};
  const UnaryLoop loop = elementwise_loops(isa).unary[static_cast<size_t>(activation.fn)];
  const auto alpha = static_cast<float>(activation.alpha);
  const auto beta = static_cast<float>(activation.beta);
  return {{}, [=](float* values, int64_t count) { loop(values, values, count, alpha, beta); }};
}

void finish_activation(Call& call, const SplitActivation& activation, int64_t offset,
                       int64_t count) {
  if (!activation.behind) return;
  call.after = [behind = activation.behind, offset, count](const RunContext& context, std::byte*) {
    behind(context.outputs[0].as<float>() + offset, count);
  };
}

int64_t bind_scratch(Call& call, int64_t used_bytes) {
  const int64_t offset = align_up(used_bytes, kArenaAlignment);
  const MemoryDesc& desc =
      *dnnl_primitive_desc_query_md(call.desc.get(), dnnl_query_scratchpad_md, 0);
  const int64_t bytes = desc_bytes(desc);
  if (bytes == 0) return offset;
  call.arguments.push_back({DNNL_ARG_SCRATCHPAD, {Place::In::kScratch, 0, offset}, desc});
  return align_up(offset + bytes, kArenaAlignment);
}

namespace {

// Tensors without elements are not for the library, and what builds programs divides by extents.
bool has_empty_operand(const KernelRequest& request) {
  const auto is_empty = [](const Operand& operand) {
    return operand.present && checked_count(operand.dims).value_or(0) == 0;
  };
  return std::any_of(request.inputs.begin(), request.inputs.end(), is_empty) ||
         std::any_of(request.outputs.begin(), request.outputs.end(), is_empty);
}

}  // namespace

Result<std::shared_ptr<const Program>> find_program(const KernelRequest& request,
                                                    BuildProgram build) {
  if (has_empty_operand(request)) return internal_error("an operand without elements");
  CachedProgram wanted{build, *request.op, request.target, fingerprint(request), nullptr, {}};
  if (const auto found = cached(wanted)) return result_of(*found);
  // Not under the lock: a session makes its kernels on several threads.
  MEMOPT_RETURN_IF_ERROR(use_isa(request.target.isa));
  const LibraryCall call;
  Result<Program> program = build(request);
  if (program.ok()) {
    wanted.program = std::make_shared<const Program>(*std::move(program));
  } else if (program.error().code == Code::kOutOfResource) {
    throw std::bad_alloc();  // says nothing about the request: neither an answer nor to be kept
  } else {
    wanted.error = program.error();
  }
  return result_of(keep(std::move(wanted)));
}

Result<KernelNeeds> program_needs(const Program& program) {
  KernelNeeds needs{program.scratch_bytes(), {}};
  const Packing& packing = program.packing;
  if (packing.input >= 0) needs.packed.push_back({packing.input, packing.bytes, order_of(packing)});
  return needs;
}

Status pack_program(const Program& program, const KernelRequest& request, int input,
                    std::span<std::byte> destination) {
  const Packing& packing = program.packing;
  const Operand& operand = request.inputs[static_cast<size_t>(input)];
  const void* data = operand.data;
  if (input != packing.input || data == nullptr || operand.layout == Layout::kPacked ||
      static_cast<int64_t>(destination.size()) != packing.bytes) {
    return internal_error("pack: not the operand that needs() named");
  }
  // The gaps between the parts are part of the plan's bytes.
  std::fill(destination.begin(), destination.end(), std::byte{0});
  const LibraryCall call;
  for (const PackedPart& part : packing.parts) {
    Call reorder;
    MEMOPT_ASSIGN_OR_RETURN(reorder.desc, reorder_desc(part.from, part.to));
    std::vector<std::byte> scratch(static_cast<size_t>(scratch_bytes(reorder.desc)) + 64);
    MEMOPT_ASSIGN_OR_RETURN(const Primitive primitive, make_primitive(reorder.desc));
    MEMOPT_ASSIGN_OR_RETURN(const Stream stream, make_stream());
    MEMOPT_ASSIGN_OR_RETURN(const Memory from, make_memory(part.from));
    MEMOPT_ASSIGN_OR_RETURN(const Memory to, make_memory(part.to));
    MEMOPT_ASSIGN_OR_RETURN(
        const Memory work, make_memory(*dnnl_primitive_desc_query_md(reorder.desc.get(),
                                                                     dnnl_query_scratchpad_md, 0)));
    std::byte* source = static_cast<std::byte*>(const_cast<void*>(data)) + part.from_offset_bytes;
    dnnl_memory_set_data_handle(from.get(), source);
    dnnl_memory_set_data_handle(to.get(), destination.data() + part.offset_bytes);
    dnnl_memory_set_data_handle(work.get(), scratch.data());
    const dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_FROM, from.get()}, {DNNL_ARG_TO, to.get()}, {DNNL_ARG_SCRATCHPAD, work.get()}};
    MEMOPT_RETURN_IF_ERROR(
        check(dnnl_primitive_execute(primitive.get(), stream.get(), 3, arguments), "reorder"));
  }
  const uint64_t mark = stamp(packing);
  std::memcpy(destination.data() + packing.bytes - kStampBytes, &mark, sizeof(mark));
  return {};
}

Result<std::unique_ptr<Kernel>> make_kernel(std::shared_ptr<const Program> program) {
  const LibraryCall call;
  auto kernel = std::make_unique<ProgramKernel>(std::move(program));
  MEMOPT_RETURN_IF_ERROR(kernel->prepare());
  return std::unique_ptr<Kernel>(std::move(kernel));
}

}  // namespace memopt::onednn
