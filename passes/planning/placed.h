// Rectangles placed so far, by address and by time.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/instance.h"

namespace memopt {

class PlacedRectangles {
 public:
  // Of the instance's items, which outlive this.
  explicit PlacedRectangles(const Instance& instance);

  // Rectangle `index` of the item is placed at the offset.
  void insert(uint32_t item, size_t index, int64_t offset);

  // Calls see(rectangle) for all that are there during some of [lower, upper), by rising first
  // byte, until it returns true. Where they are few, in time about linear in them; else in all.
  template <typename See>
  void visit(int64_t lower, int64_t upper, const See& see) const {
    if (find_few(lower, upper)) {
      for (const Rectangle& r : few_) {
        if (see(r)) return;
      }
      return;
    }
    for (const std::vector<Rectangle>& block : blocks_) {
      work_ += static_cast<int64_t>(block.size());
      for (const Rectangle& r : block) {
        if (r.lower < upper && lower < r.upper && see(r)) return;
      }
    }
  }

  // Rectangles looked at so far.
  int64_t work() const { return work_; }

 private:
  bool find_few(int64_t lower, int64_t upper) const;

  const Instance& instance_;
  std::vector<std::vector<Rectangle>> blocks_;  // in absolute bytes, by begin
  // By time: rectangles, placed or not, by lower; a tree over them with the largest upper of those
  // that are placed, root at 1.
  std::vector<uint32_t> first_;  // per item: its first rectangle in rank_
  std::vector<uint32_t> rank_;   // per rectangle: its place by lower
  std::vector<int64_t> lowers_;  // by rank
  std::vector<Rectangle> placed_;
  std::vector<int64_t> most_;
  size_t leaves_ = 0;  // a power of two; 0 where the instance is too small for the tree to pay
  size_t count_ = 0;   // placed
  mutable int64_t work_ = 0;
  mutable std::vector<Rectangle> few_;
  mutable std::vector<size_t> stack_;
};

}  // namespace memopt
