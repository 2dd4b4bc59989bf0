#include "passes/planning/placed.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace memopt {
namespace {

constexpr size_t kMaxBlock = 512;  // rectangles; an insertion moves half of them
// With fewer rectangles, looking at all is as fast. A look through the tree costs this many times
// more than one in a row.
constexpr size_t kMinForTree = 2048;
constexpr size_t kCostOfLook = 16;
constexpr size_t kStepsOfLook = 6;  // as work counts: the sorting is in it

constexpr int64_t kNone = std::numeric_limits<int64_t>::min();

}  // namespace

PlacedRectangles::PlacedRectangles(const Instance& instance) : instance_(instance) {
  size_t count = 0;
  for (const Item& item : instance.items) count += item.rectangles.size();
  if (count < kMinForTree) return;
  std::vector<int64_t> lowers;
  for (const Item& item : instance.items) {
    first_.push_back(static_cast<uint32_t>(lowers.size()));
    for (const Rectangle& r : item.rectangles) lowers.push_back(r.lower);
  }
  std::vector<uint32_t> by_lower(count);
  std::iota(by_lower.begin(), by_lower.end(), 0);
  std::stable_sort(by_lower.begin(), by_lower.end(),
                   [&](uint32_t a, uint32_t b) { return lowers[a] < lowers[b]; });
  rank_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    rank_[by_lower[i]] = static_cast<uint32_t>(i);
    lowers_.push_back(lowers[by_lower[i]]);
  }
  placed_.resize(count);
  leaves_ = 1;
  while (leaves_ < count) leaves_ *= 2;
  most_.assign(2 * leaves_, kNone);
}

void PlacedRectangles::insert(uint32_t item, size_t index, int64_t offset) {
  const Rectangle& own = instance_.items[item].rectangles[index];
  const Rectangle placed{own.lower, own.upper, offset + own.begin, offset + own.end};
  ++count_;
  const auto before = [](const Rectangle& a, const Rectangle& b) { return a.begin < b.begin; };
  auto block = std::partition_point(
      blocks_.begin(), blocks_.end(),
      [&](const std::vector<Rectangle>& b) { return b.front().begin <= placed.begin; });
  if (block != blocks_.begin()) --block;
  if (block == blocks_.end()) block = blocks_.emplace(block);
  block->insert(std::upper_bound(block->begin(), block->end(), placed, before), placed);
  if (block->size() > kMaxBlock) {
    std::vector<Rectangle> upper_half(block->begin() + kMaxBlock / 2, block->end());
    block->resize(kMaxBlock / 2);
    blocks_.insert(block + 1, std::move(upper_half));
  }
  if (leaves_ == 0) return;
  const size_t rank = rank_[first_[item] + index];
  placed_[rank] = placed;
  for (size_t node = leaves_ + rank; node > 0; node /= 2) {
    most_[node] = std::max(most_[node], placed.upper);
  }
}

// Fills few_, unless it would take longer than looking at all.
bool PlacedRectangles::find_few(int64_t lower, int64_t upper) const {
  if (leaves_ == 0) return false;
  const size_t most = count_ / kCostOfLook;
  const auto end = static_cast<size_t>(std::lower_bound(lowers_.begin(), lowers_.end(), upper) -
                                       lowers_.begin());
  few_.clear();
  stack_.assign(1, 1);
  size_t looks = 0;
  while (!stack_.empty()) {
    size_t node = stack_.back();
    stack_.pop_back();
    if (most_[node] <= lower) continue;
    if (++looks > most) return false;
    if (node >= leaves_) {
      few_.push_back(placed_[node - leaves_]);
      continue;
    }
    // The right child begins at leaf (2 node + 1) 2^height - leaves_.
    const size_t right = 2 * node + 1;
    const int height = __builtin_clzll(right) - __builtin_clzll(leaves_);
    if ((right << height) - leaves_ < end) stack_.push_back(right);
    stack_.push_back(2 * node);
  }
  work_ += static_cast<int64_t>(looks * kStepsOfLook);
  std::sort(few_.begin(), few_.end(),
            [](const Rectangle& a, const Rectangle& b) { return a.begin < b.begin; });
  return true;
}

}  // namespace memopt
