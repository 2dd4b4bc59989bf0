// Maximum flows, for whoever makes certificates: what they find is checked by others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memopt::certificate {

class MaxFlow {
 public:
  static constexpr int64_t kUnlimited = int64_t{1} << 61;

  explicit MaxFlow(int32_t nodes) : arcs_of_(static_cast<size_t>(nodes)) {}

  // Returns the arc's number.
  int32_t add(int32_t from, int32_t to, int64_t capacity);
  // The most from `source` to `sink`; what was found so far when `work` (arcs looked at) is used
  // up. What flows is a flow in either case.
  int64_t run(int32_t source, int32_t sink, int64_t* work);
  int64_t flow_over(int32_t arc) const { return arcs_[static_cast<size_t>(arc) ^ 1].left; }

 private:
  struct Arc {
    int32_t to;
    int64_t left;  // capacity that is not used; of a reverse arc: the flow
  };

  bool find_levels(int32_t source, int32_t sink, int64_t* work);
  int64_t push(int32_t source, int32_t sink, int64_t* work);

  std::vector<std::vector<int32_t>> arcs_of_;
  std::vector<Arc> arcs_;  // an arc and its reverse, in turn
  std::vector<int32_t> level_;
  std::vector<size_t> next_;
};

}  // namespace memopt::certificate
