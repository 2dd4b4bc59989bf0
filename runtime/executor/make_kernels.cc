#include "runtime/executor/make_kernels.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <unordered_map>

#include "runtime/base/checked.h"
#include "runtime/base/digest.h"
#include "runtime/base/joined_threads.h"
#include "runtime/kernels/operands.h"
#include "runtime/plan/verify.h"

namespace memopt {
namespace {

// Instructions that ask for the same.
struct Group {
  std::vector<size_t> instructions;
  int64_t code = 0;
};

// A guess at how much code a kernel makes: that of a window is unrolled over its elements, which
// are the inner dimensions of a constant. Only the order of work depends on it.
int64_t guess_code(const KernelRequest& request) {
  int64_t most = 0;
  for (const Operand& operand : request.inputs) {
    if (!operand.constant || operand.dims.rank() < 3) continue;
    most = std::max(most, checked_count(Dims(operand.dims.span().subspan(2))).value_or(0));
  }
  return most;
}

struct FingerprintHash {
  size_t operator()(const std::vector<int64_t>& print) const {
    uint64_t hash = print.size();
    for (const int64_t value : print) {
      hash = (hash ^ static_cast<uint64_t>(value)) * 0x9e3779b97f4a7c15u;
      hash ^= hash >> 32;
    }
    return hash;
  }
};

// Tells operators with other attributes apart, but for accidents.
int64_t digest_of_attrs(const Op& op) {
  Digest digest;
  const auto add = [&](const auto* data, size_t count) {
    digest.update(std::as_bytes(std::span(data, count)));
  };
  for (const Attr& attr : op_attrs(op)) {
    add(attr.name.data(), attr.name.size());
    std::visit(
        [&](const auto& value) {
          if constexpr (requires { value.size(); }) {
            add(value.data(), value.size());
          } else {
            add(&value, 1);
          }
        },
        attr.value);
  }
  return static_cast<int64_t>(digest.value());
}

// Those with most to make first, so that no thread is left with a long one at the end.
std::vector<Group> group_instructions(const Plan& plan) {
  std::vector<Group> groups;
  // Groups by their operands and attributes; the few of equal ones differ in operator or kernel.
  std::unordered_map<std::vector<int64_t>, std::vector<size_t>, FingerprintHash> by_print;
  for (size_t i = 0; i < plan.instructions.size(); ++i) {
    const PlanInstruction& instruction = plan.instructions[i];
    const InstructionRequest operands(plan, instruction);
    std::vector<int64_t> print = fingerprint(operands.request());
    print.push_back(digest_of_attrs(instruction.op));
    std::vector<size_t>& candidates = by_print[std::move(print)];
    const auto same = std::find_if(candidates.begin(), candidates.end(), [&](size_t group) {
      const PlanInstruction& other = plan.instructions[groups[group].instructions.front()];
      return other.kernel == instruction.kernel && other.op == instruction.op;
    });
    if (same != candidates.end()) {
      groups[*same].instructions.push_back(i);
    } else {
      candidates.push_back(groups.size());
      groups.push_back({{i}, guess_code(operands.request())});
    }
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const Group& a, const Group& b) { return a.code > b.code; });
  return groups;
}

}  // namespace

Result<std::vector<std::shared_ptr<Kernel>>> make_kernels(const Plan& plan, KernelLookup kernels,
                                                          int threads) {
  const std::vector<Group> groups = group_instructions(plan);
  std::vector<std::shared_ptr<Kernel>> made(plan.instructions.size());
  std::vector<Status> statuses(groups.size());
  const auto make = [&](const Group& group) -> Status {
    MEMOPT_RETURN_IF_ERROR(verify_kernel(plan, group.instructions, kernels));
    const size_t index = group.instructions.front();
    const PlanInstruction& first = plan.instructions[index];
    const InstructionRequest operands(plan, first);
    auto kernel = kernels(first.kernel)->create(operands.request());
    if (!kernel.ok()) {
      return in_context("instruction " + std::to_string(index) + " ('" + first.name + "')",
                        kernel.error());
    }
    const std::shared_ptr<Kernel> shared = *std::move(kernel);
    for (const size_t i : group.instructions) made[i] = shared;
    return {};
  };
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < groups.size();) statuses[i] = make(groups[i]);
  };
  JoinedThreads helpers;  // fewer than wanted do as well
  for (int i = 1; i < std::min<int>(threads, static_cast<int>(groups.size())); ++i) {
    if (!helpers.start([&work] { work(); })) break;
  }
  work();
  helpers.join();
  for (const Status& status : statuses) MEMOPT_RETURN_IF_ERROR(status);
  return made;
}

}  // namespace memopt
