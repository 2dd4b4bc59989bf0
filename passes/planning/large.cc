#include "passes/planning/large.h"

#include <algorithm>

#include "passes/planning/exact.h"
#include "passes/planning/greedy.h"

namespace memopt {
namespace {

constexpr double kCoreLoad = 0.95;  // of the heaviest load
constexpr size_t kMaxCoreItems = 1500;

// A number in (0, 1], a function of its arguments.
double random_fraction(uint64_t seed, uint64_t round, uint64_t item) {
  uint64_t z = seed * 0x9e3779b97f4a7c15u + round * 0xbf58476d1ce4e5b9u + item;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (static_cast<double>((z ^ (z >> 31)) >> 11) + 1) * 0x1p-53;
}

// What is above the target, as a number to minimise: the height first.
std::pair<int64_t, int64_t> excess(const Instance& instance, const std::vector<int64_t>& offsets,
                                   int64_t target) {
  int64_t bytes = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    bytes += std::max<int64_t>(0, offsets[i] + instance.items[i].size - target);
  }
  return {height_of(instance, offsets), bytes};
}

// Moves every item that ends above the target to a random place before its own.
std::vector<uint32_t> moved_forward(const Instance& instance, const std::vector<uint32_t>& sequence,
                                    const std::vector<int64_t>& offsets, int64_t target,
                                    uint64_t seed, int64_t round) {
  std::vector<std::pair<double, uint32_t>> keyed;
  double fixed = 0;  // items, which stay in front
  for (const Item& item : instance.items) fixed += item.fixed_offset.has_value();
  for (size_t k = 0; k < sequence.size(); ++k) {
    const uint32_t i = sequence[k];
    double key = static_cast<double>(k);
    if (offsets[i] + instance.items[i].size > target) {
      const double fraction = random_fraction(seed, static_cast<uint64_t>(round), i);
      key = fixed + std::max(key - fixed, 0.0) * fraction - 0.5;
    }
    keyed.emplace_back(key, i);
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<uint32_t> result;
  result.reserve(keyed.size());
  for (const auto& [key, i] : keyed) result.push_back(i);
  return result;
}

}  // namespace

LargeResult place_from_peaks(const Instance& instance, const LargeOptions& options) {
  const int64_t target = options.target_bytes;
  std::vector<uint32_t> best_sequence = ordered_items(instance, ItemOrder::kPeaks);
  Effort effort{options.stop, options.max_steps};
  LargeResult best{place_in_sequence(instance, best_sequence, Fit::kFirst, INT64_MAX, &effort), 0};
  if (best.offsets.size() != instance.items.size()) return best;
  auto best_excess = excess(instance, best.offsets, target);
  for (int64_t round = 0; round < options.rounds && best_excess.first > target; ++round) {
    // The first round repeats the order with the other fit.
    std::vector<uint32_t> sequence =
        round == 0
            ? best_sequence
            : moved_forward(instance, best_sequence, best.offsets, target, options.seed, round);
    std::vector<int64_t> offsets =
        place_in_sequence(instance, sequence, Fit::kBest, target, &effort);
    if (offsets.size() != instance.items.size()) break;  // the effort is over
    const auto reached = excess(instance, offsets, target);
    if (reached > best_excess) continue;
    best_excess = reached;
    best_sequence = std::move(sequence);
    best.offsets = std::move(offsets);
  }
  return best;
}

LargeResult place_around_core(const Instance& instance, const LargeOptions& options) {
  const std::vector<int64_t> loads = loads_seen(instance);
  const int64_t heaviest = *std::max_element(loads.begin(), loads.end());
  Instance core;
  core.granularity = instance.granularity;
  core.has_windows = instance.has_windows;
  std::vector<uint32_t> members;
  for (uint32_t i = 0; i < loads.size(); ++i) {
    if (static_cast<double>(loads[i]) < kCoreLoad * static_cast<double>(heaviest)) continue;
    members.push_back(i);
    core.items.push_back(instance.items[i]);
  }
  if (members.size() > kMaxCoreItems) return {};
  const ExactResult packed =
      ExactPlacer(core).decide(options.target_bytes, {.work_limit = options.work_limit,
                                                      .seed = options.seed,
                                                      .threads = options.threads,
                                                      .stop = options.stop});
  if (packed.verdict != Verdict::kFound) return {{}, packed.work};
  Instance around = instance;
  for (size_t k = 0; k < members.size(); ++k) {
    around.items[members[k]].fixed_offset = packed.offsets[k];
  }
  return {place_from_peaks(around, options).offsets, packed.work};
}

}  // namespace memopt
