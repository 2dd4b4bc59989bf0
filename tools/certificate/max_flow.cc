#include "tools/certificate/max_flow.h"

#include <algorithm>

namespace memopt::certificate {

int32_t MaxFlow::add(int32_t from, int32_t to, int64_t capacity) {
  const auto arc = static_cast<int32_t>(arcs_.size());
  arcs_.push_back({to, capacity});
  arcs_.push_back({from, 0});
  arcs_of_[static_cast<size_t>(from)].push_back(arc);
  arcs_of_[static_cast<size_t>(to)].push_back(arc + 1);
  return arc;
}

// Dinic's algorithm: along shortest paths, all of one length at a time.
int64_t MaxFlow::run(int32_t source, int32_t sink, int64_t* work) {
  int64_t total = 0;
  while (*work > 0 && find_levels(source, sink, work)) {
    next_.assign(arcs_of_.size(), 0);
    while (const int64_t pushed = push(source, sink, work)) total += pushed;
  }
  return total;
}

bool MaxFlow::find_levels(int32_t source, int32_t sink, int64_t* work) {
  level_.assign(arcs_of_.size(), -1);
  level_[static_cast<size_t>(source)] = 0;
  std::vector<int32_t> queue = {source};
  for (size_t head = 0; head < queue.size(); ++head) {
    const auto node = static_cast<size_t>(queue[head]);
    *work -= static_cast<int64_t>(arcs_of_[node].size());
    for (const int32_t index : arcs_of_[node]) {
      const Arc& arc = arcs_[static_cast<size_t>(index)];
      int32_t& level = level_[static_cast<size_t>(arc.to)];
      if (arc.left == 0 || level >= 0) continue;
      level = level_[node] + 1;
      if (arc.to == sink) return true;
      queue.push_back(arc.to);
    }
  }
  return false;
}

// One path; 0 when there is none of this length.
int64_t MaxFlow::push(int32_t source, int32_t sink, int64_t* work) {
  std::vector<int32_t> path;
  int32_t node = source;
  while (node != sink) {
    const auto at = static_cast<size_t>(node);
    int32_t step = -1;
    for (; next_[at] < arcs_of_[at].size() && step < 0; ++next_[at]) {
      --*work;
      const int32_t index = arcs_of_[at][next_[at]];
      const Arc& arc = arcs_[static_cast<size_t>(index)];
      if (arc.left > 0 && level_[static_cast<size_t>(arc.to)] == level_[at] + 1) {
        step = index;
        break;
      }
    }
    if (step >= 0) {
      path.push_back(step);
      node = arcs_[static_cast<size_t>(step)].to;
    } else if (path.empty()) {
      return 0;
    } else {  // a dead end: back, and on behind the arc that led here
      node = arcs_[static_cast<size_t>(path.back()) ^ 1].to;
      path.pop_back();
      ++next_[static_cast<size_t>(node)];
    }
  }
  int64_t bytes = kUnlimited;
  for (const int32_t arc : path) bytes = std::min(bytes, arcs_[static_cast<size_t>(arc)].left);
  for (const int32_t arc : path) {
    arcs_[static_cast<size_t>(arc)].left -= bytes;
    arcs_[static_cast<size_t>(arc) ^ 1].left += bytes;
  }
  return bytes;
}

}  // namespace memopt::certificate
