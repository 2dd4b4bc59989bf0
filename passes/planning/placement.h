// Items placed so far, and where another one can go.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "passes/planning/instance.h"
#include "passes/planning/placed.h"

namespace memopt {

enum class Fit {
  kFirst,  // the lowest free stretch that is large enough
  kBest,   // the smallest free stretch that is large enough
};

// A group is one or more items that share an offset; their alignments divide one another.
class Placement {
 public:
  explicit Placement(const Instance& instance)
      : instance_(instance), offsets_(instance.items.size(), kUnplaced), placed_(instance) {}

  // Puts the group there, whatever else is there.
  void put(std::span<const uint32_t> group, int64_t offset);

  // An offset at which the group conflicts with nothing placed. The best fit sees the open end as a
  // stretch up to `ceiling`, and takes it last when that is too low. At most linear in the placed
  // items, and near-linear in those that live at the same time.
  int64_t find(std::span<const uint32_t> group, Fit fit, int64_t ceiling = INT64_MAX);

  // Elementary steps of all find() so far.
  int64_t work() const { return placed_.work() + work_; }

  // One per item, once all are placed.
  std::vector<int64_t> take_offsets() && { return std::move(offsets_); }

 private:
  static constexpr int64_t kUnplaced = -1;

  // Offsets strictly between `above` and `below` are taken by something placed.
  struct Taken {
    int64_t above, below;
  };
  void collect(uint32_t item);
  // find() for one item that is a single rectangle.
  int64_t find_single(const Item& item, Fit fit, int64_t ceiling) const;

  const Instance& instance_;
  std::vector<int64_t> offsets_;
  PlacedRectangles placed_;
  int64_t work_ = 0;  // beside that of placed_
  std::vector<Taken> taken_;
};

}  // namespace memopt
