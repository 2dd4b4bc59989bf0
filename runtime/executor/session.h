// A plan bound to an arena, ready to run. Many sessions may share one loaded plan, each with its
// own arena; one session is used by one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/executor/guard.h"
#include "runtime/executor/profile.h"
#include "runtime/executor/thread_pool.h"
#include "runtime/kernels/kernel.h"
#include "runtime/plan/load.h"

namespace memopt {

struct SessionOptions {
  int threads = 1;       // 1 to 1024, the caller of run() included
  bool guard = false;    // check what every kernel touches; slow (guard.h)
  bool profile = false;  // time every instruction
};

class Session {
 public:
  // Checks and makes every kernel, in parallel. The arena needs Plan::arena_bytes bytes at
  // Plan::arena_alignment and must outlive the session. Fails with kUsage on a wrong arena, with
  // kVerifyFailed where a kernel does not suit its instruction, with kBadInput where the plan was
  // compiled for an instruction set that this machine lacks, with kOutOfResource where the system
  // has no such number of threads. Like all functions of the runtime it throws std::bad_alloc where
  // there is no memory, and nothing else; what it had made is gone then.
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<const LoadedPlan> loaded,
                                                 std::span<std::byte> arena,
                                                 const SessionOptions& options = {});

  const Plan& plan() const { return loaded_->plan(); }

  // Binds the buffer of an input or output that is in the caller's memory (Storage::kCaller); all
  // must be bound before run(). Indices are positions in Plan::inputs and outputs. The buffer has
  // exactly PlanValue::bytes bytes, is aligned to its elements, and, if either of two is an output,
  // overlaps neither the other nor the arena. kUsage otherwise.
  Status bind_input(size_t index, std::span<const std::byte> buffer);
  Status bind_output(size_t index, std::span<std::byte> buffer);

  // Binds the block of Plan::state_bytes bytes (or more) that the states of the plan live in, at
  // Plan::arena_alignment, overlapping nothing else: what they are is what the block holds, from
  // here on. So one session serves many streams, each with a block of its own, bound before its
  // run; a block may move on to another session of the plan. A new block is to be reset.
  Status bind_state(std::span<std::byte> block);
  // Makes every state what it is before the first run.
  Status reset_state();
  // Where a state is, laid out as PlanState::before says; nullptr until a block is bound. May be
  // read and written between runs. `index`: in Plan::states.
  std::byte* state_data(size_t index);

  // Where the elements are, laid out as the PlanValue says: in the arena, or the bound buffer
  // (nullptr until then). Inputs in the arena are filled before every run(), as their bytes may
  // hold other values later in it; outputs are valid until the next.
  std::byte* input_data(size_t index);
  const std::byte* output_data(size_t index) const;

  // Executes the plan. Allocates nothing of memopt's own and touches no file. Fails with kUsage if
  // a buffer or the block of states is not bound, with the kernel's error on values that an
  // operator does not allow, and in guard mode with kInternal naming the kernel that broke its
  // contract.
  Status run();

  const GuardReport* guard_report() const { return guard_ ? &guard_->report() : nullptr; }
  const Profile* profile() const { return profile_ ? &*profile_ : nullptr; }

 private:
  // An operand that follows the buffer of a caller's value, or the block of states.
  struct Follower {
    uint32_t root = 0;  // or kStates
    size_t tensor = 0;
    int64_t offset_bytes = 0;
    bool operator<(const Follower& other) const { return root < other.root; }
  };
  static constexpr uint32_t kStates = UINT32_MAX;
  struct Bound {
    std::span<const std::byte> buffer;
    bool is_bound = false;
    bool is_output = false;
  };

  Session(std::shared_ptr<const LoadedPlan> loaded, std::span<std::byte> arena,
          std::unique_ptr<ThreadPool> pool);
  void prepare_calls();
  Tensor tensor_of(std::optional<uint32_t> value, const std::vector<uint32_t>& roots);
  Status bind(uint32_t value, std::span<const std::byte> buffer, bool is_output);
  Status check_overlap(uint32_t value, std::span<const std::byte> buffer, bool is_output) const;
  void move_followers(uint32_t root, std::byte* to);
  Status check_bound() const;
  Status check_state() const;
  std::byte* data_of(uint32_t value) const;

  const std::shared_ptr<const LoadedPlan> loaded_;
  const std::span<std::byte> arena_;
  std::span<std::byte> state_;  // the bound block
  const std::unique_ptr<ThreadPool> pool_;
  std::vector<std::shared_ptr<Kernel>> kernels_;  // one per instruction, equal ones shared
  std::vector<Tensor> tensors_;                   // the operands of all instructions in turn
  std::vector<RunContext> calls_;                 // one per instruction, spans of tensors_
  std::vector<Follower> followers_;               // by root
  std::vector<Bound> bound_;                      // per value; used for kCaller roots
  std::unique_ptr<Guard> guard_;
  std::optional<Profile> profile_;
};

}  // namespace memopt
