#include "runtime/plan/liveness.h"

#include <algorithm>

#include "runtime/plan/roots.h"

namespace memopt {
namespace {

// The bytes that any of a changing set of ranges covers: a tree over the places where ranges begin
// or end, each node with the ranges that cover all of it and the bytes below it that are covered.
class Cover {
 public:
  explicit Cover(std::vector<int64_t> places) : places_(std::move(places)) {
    std::sort(places_.begin(), places_.end());
    places_.erase(std::unique(places_.begin(), places_.end()), places_.end());
    nodes_.resize(4 * std::max<size_t>(places_.size(), 1));
  }

  // `times` is 1 for a range that comes and -1 for one that goes, both of whose ends are places.
  void change(int64_t begin, int64_t end, int times) {
    change(1, 0, places_.size() - 1, index_of(begin), index_of(end), times);
  }
  int64_t covered_bytes() const { return nodes_[1].covered_bytes; }

 private:
  struct Node {
    int64_t times = 0;
    int64_t covered_bytes = 0;
  };

  size_t index_of(int64_t place) const {
    return static_cast<size_t>(std::lower_bound(places_.begin(), places_.end(), place) -
                               places_.begin());
  }

  // The node stands for the bytes from places_[low] to places_[high].
  void change(size_t node, size_t low, size_t high, size_t begin, size_t end, int times) {
    if (end <= low || high <= begin) return;
    if (begin <= low && high <= end) {
      nodes_[node].times += times;
    } else {
      const size_t middle = (low + high) / 2;
      change(2 * node, low, middle, begin, end, times);
      change(2 * node + 1, middle, high, begin, end, times);
    }
    nodes_[node].covered_bytes =
        nodes_[node].times > 0 ? places_[high] - places_[low]
        : high - low > 1       ? nodes_[2 * node].covered_bytes + nodes_[2 * node + 1].covered_bytes
                               : 0;
  }

  std::vector<int64_t> places_;
  std::vector<Node> nodes_;
};

}  // namespace

std::vector<std::optional<Lifetime>> lifetimes(const Plan& plan) {
  const auto end = static_cast<int64_t>(plan.instructions.size()) + 1;
  const std::vector<uint32_t> roots = *find_roots(plan);
  std::vector<std::optional<Lifetime>> lives(plan.values.size());
  std::vector<int64_t> last_read(plan.values.size(), 0);  // of roots
  for (const uint32_t i : plan.inputs) lives[i] = Lifetime{};
  for (const PlanState& state : plan.states) lives[state.before] = Lifetime{};
  for (int64_t position = 1; position < end; ++position) {
    const PlanInstruction& instruction = plan.instructions[static_cast<size_t>(position - 1)];
    for (const std::optional<uint32_t>& input : instruction.inputs) {
      if (input) last_read[roots[*input]] = position;
    }
    for (const std::optional<uint32_t>& output : instruction.outputs) {
      if (output) lives[*output] = Lifetime{position, position};
    }
  }
  for (const uint32_t i : plan.outputs) last_read[roots[i]] = end;
  for (const PlanState& state : plan.states) last_read[state.after] = end;
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    if (lives[i]) lives[i]->last_read = std::max(lives[i]->written, last_read[roots[i]]);
  }
  return lives;
}

std::vector<int64_t> live_bytes(const Plan& plan) {
  const size_t steps = plan.instructions.size();
  const std::vector<std::optional<Lifetime>> lives = lifetimes(plan);
  std::vector<int64_t> places;
  std::vector<std::vector<uint32_t>> comes(steps), goes(steps);  // before this step, behind it
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    const PlanValue& value = plan.values[i];
    if (!lives[i] || value.storage != Storage::kArena) continue;
    const auto first = static_cast<size_t>(std::max<int64_t>(lives[i]->written - 1, 0));
    const size_t end = std::min(static_cast<size_t>(lives[i]->last_read), steps);
    if (first >= end) continue;
    comes[first].push_back(i);
    goes[end - 1].push_back(i);
    places.insert(places.end(), {value.offset_bytes, value.offset_bytes + value.bytes});
  }
  for (const PlanInstruction& instruction : plan.instructions) {
    places.insert(places.end(), {instruction.scratch_offset_bytes,
                                 instruction.scratch_offset_bytes + instruction.scratch_bytes});
  }
  Cover cover(std::move(places));
  const auto change = [&](uint32_t i, int times) {
    const PlanValue& value = plan.values[i];
    cover.change(value.offset_bytes, value.offset_bytes + value.bytes, times);
  };
  std::vector<int64_t> bytes(steps);
  for (size_t step = 0; step < steps; ++step) {
    const PlanInstruction& at = plan.instructions[step];
    const int64_t scratch_end = at.scratch_offset_bytes + at.scratch_bytes;
    for (const uint32_t i : comes[step]) change(i, 1);
    cover.change(at.scratch_offset_bytes, scratch_end, 1);
    bytes[step] = cover.covered_bytes();
    cover.change(at.scratch_offset_bytes, scratch_end, -1);
    for (const uint32_t i : goes[step]) change(i, -1);
  }
  return bytes;
}

}  // namespace memopt
