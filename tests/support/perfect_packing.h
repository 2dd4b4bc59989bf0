// Memory problems that are hard to solve and known to have a plan without waste.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "passes/planning/problem.h"

namespace memopt {

// Cuts a rectangle of 1024 x 1024 into `n` by straight cuts and pinwheels, so that a packing
// without waste exists, and shortens lifetimes away from one step until the given share of the area
// is left. The capacity is 1 MiB.
inline MemoryProblem perfect_packing(uint32_t seed, size_t n, double density) {
  struct Piece {
    int64_t x0, x1, y0, y1;
    int64_t area() const { return (x1 - x0) * (y1 - y0); }
  };
  constexpr int64_t kSide = 1024;
  std::mt19937 random(seed);
  const auto between = [&](int64_t low, int64_t high) {  // inclusive
    return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
  };
  std::vector<Piece> pieces = {{0, kSide, 0, kSide}};
  while (pieces.size() < n) {
    size_t at = random() % pieces.size();
    for (int k = 0; k < 2; ++k) {  // rather a large one
      const size_t other = random() % pieces.size();
      if (pieces[other].area() > pieces[at].area()) at = other;
    }
    const Piece p = pieces[at];
    const int64_t width = p.x1 - p.x0, height = p.y1 - p.y0;
    if (width >= 3 && height >= 3 && between(0, 2) == 0) {
      const int64_t a = between(p.x0 + 1, p.x1 - 2), b = between(a + 1, p.x1 - 1);
      const int64_t c = between(p.y0 + 1, p.y1 - 2), d = between(c + 1, p.y1 - 1);
      pieces[at] = {p.x0, b, p.y0, c};
      pieces.push_back({b, p.x1, p.y0, d});
      pieces.push_back({a, p.x1, d, p.y1});
      pieces.push_back({p.x0, a, c, p.y1});
      pieces.push_back({a, b, c, d});
    } else if (width >= 2 && (height < 2 || between(0, 1) == 0)) {
      const int64_t x = between(p.x0 + 1, p.x1 - 1);
      pieces[at].x1 = x;
      pieces.push_back({x, p.x1, p.y0, p.y1});
    } else if (height >= 2) {
      const int64_t y = between(p.y0 + 1, p.y1 - 1);
      pieces[at].y1 = y;
      pieces.push_back({p.x0, p.x1, y, p.y1});
    }
  }
  const int64_t full_step = between(0, kSide - 1);
  double area = static_cast<double>(kSide * kSide);
  const double wanted = density * area;
  std::shuffle(pieces.begin(), pieces.end(), random);
  for (Piece& p : pieces) {
    if (area <= wanted) break;
    if ((p.x0 <= full_step && full_step < p.x1) || p.x1 - p.x0 < 2) continue;
    const int64_t before = p.area();
    p.x1 = between(p.x0 + 1, p.x1 - 1);
    area -= static_cast<double>(before - p.area());
  }
  MemoryProblem problem;
  for (const Piece& p : pieces) {
    MemoryBuffer& buffer = problem.buffers.emplace_back();
    buffer.lower = p.x0;
    buffer.upper = p.x1;
    buffer.size_bytes = (p.y1 - p.y0) * 1024;
  }
  return problem;
}

}  // namespace memopt
