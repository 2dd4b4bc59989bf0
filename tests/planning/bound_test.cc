// Bounds and conflicts against their definitions, looked up step by step.
#include "passes/planning/bound.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "passes/planning/instance.h"
#include "tests/planning/random_problem.h"

namespace memopt {
namespace {

using testing::optimum_by_force;
using testing::random_problem;
using testing::RandomProblemOptions;

RandomProblemOptions options_of(int kind) {
  RandomProblemOptions options;
  options.alignments = kind == 1 || kind == 5;
  options.gaps = kind == 2 || kind == 3;
  options.windows = kind == 3;
  options.graph = kind == 4 || kind == 5;
  options.fixed = kind == 6;
  return options;
}
constexpr int kKinds = 7;

// The bytes that a buffer occupies at a step.
int64_t bytes_at(const MemoryBuffer& buffer, int64_t step) {
  if (step < buffer.lower || step >= buffer.upper) return 0;
  for (const MemoryGap& gap : buffer.gaps) {
    if (gap.lower > step || step >= gap.upper) continue;
    return gap.window ? gap.window->end - gap.window->begin : 0;
  }
  return buffer.size_bytes;
}

int64_t granularity_of(const MemoryProblem& problem) {
  int64_t common = 0;
  for (const MemoryBuffer& buffer : problem.buffers) {
    const bool has_window =
        std::any_of(buffer.gaps.begin(), buffer.gaps.end(),
                    [](const MemoryGap& gap) { return gap.window.has_value(); });
    if (has_window && buffer.size_bytes > 0) return 1;
    if (buffer.size_bytes > 0) common = std::gcd(common, buffer.alignment);
  }
  return std::max<int64_t>(common, 1);
}

// Sizes in whole granules but for the buffer on top, at the step where that is most.
int64_t load_bound(const MemoryProblem& problem) {
  const int64_t granule = granularity_of(problem);
  int64_t bound = 0;
  for (int64_t step = 0; step < 10; ++step) {
    int64_t load = 0, most_padding = 0;
    for (const MemoryBuffer& buffer : problem.buffers) {
      const int64_t bytes = bytes_at(buffer, step);
      const int64_t padded = (bytes + granule - 1) / granule * granule;
      load += padded;
      most_padding = std::max(most_padding, padded - bytes);
    }
    bound = std::max(bound, load - most_padding);
  }
  for (const MemoryBuffer& buffer : problem.buffers) {
    bound = std::max(bound, buffer.fixed_offset.value_or(0) + buffer.size_bytes);
  }
  return bound;
}

// Whether two buffers occupy bytes at one step, or are joined by an edge.
bool conflict(const MemoryProblem& problem, uint32_t a, uint32_t b) {
  if (problem.buffers[a].size_bytes == 0 || problem.buffers[b].size_bytes == 0) return false;
  if (problem.interference) {
    const auto& edges = problem.interference->edges;
    return std::count(edges.begin(), edges.end(), std::pair(a, b)) > 0 ||
           std::count(edges.begin(), edges.end(), std::pair(b, a)) > 0;
  }
  for (int64_t step = 0; step < 10; ++step) {
    if (bytes_at(problem.buffers[a], step) > 0 && bytes_at(problem.buffers[b], step) > 0)
      return true;
  }
  return false;
}

// The heaviest set of buffers that are pairwise in conflict.
int64_t heaviest_clique(const MemoryProblem& problem) {
  const auto count = static_cast<uint32_t>(problem.buffers.size());
  int64_t best = 0;
  for (uint32_t set = 0; set < (1u << count); ++set) {
    int64_t load = 0, most_padding = 0;
    bool is_clique = true;
    const int64_t granule = granularity_of(problem);
    for (uint32_t a = 0; a < count && is_clique; ++a) {
      if (!(set >> a & 1)) continue;
      for (uint32_t b = a + 1; b < count && is_clique; ++b) {
        if (set >> b & 1) is_clique = conflict(problem, a, b);
      }
      const int64_t bytes = problem.buffers[a].size_bytes;
      const int64_t padded = (bytes + granule - 1) / granule * granule;
      load += padded;
      most_padding = std::max(most_padding, padded - bytes);
    }
    if (is_clique) best = std::max(best, load - most_padding);
  }
  return best;
}

TEST(Bound, IsTheLargestLoad) {
  for (int kind = 0; kind < kKinds; ++kind) {
    if (options_of(kind).graph) continue;
    for (uint32_t seed = 0; seed < 400; ++seed) {
      const MemoryProblem problem = random_problem(seed, options_of(kind));
      ASSERT_EQ(lower_bound(problem), load_bound(problem)) << "kind " << kind << " seed " << seed;
    }
  }
}

TEST(Bound, OfAGraphIsACliqueNotLighterThanAnyPair) {
  for (const int kind : {4, 5}) {
    for (uint32_t seed = 0; seed < 400; ++seed) {
      SCOPED_TRACE(seed);
      const MemoryProblem problem = random_problem(seed, options_of(kind));
      const int64_t bound = lower_bound(problem);
      ASSERT_LE(bound, heaviest_clique(problem));
      for (uint32_t a = 0; a < problem.buffers.size(); ++a) {
        ASSERT_GE(bound, problem.buffers[a].size_bytes);
        for (uint32_t b = 0; b < a; ++b) {
          if (!conflict(problem, a, b)) continue;
          MemoryProblem pair = problem;
          pair.buffers = {problem.buffers[a], problem.buffers[b]};
          pair.interference->edges = {{0, 1}};
          const int64_t granule = granularity_of(problem);
          const int64_t x = problem.buffers[a].size_bytes, y = problem.buffers[b].size_bytes;
          const auto padded = [&](int64_t n) { return (n + granule - 1) / granule * granule; };
          ASSERT_GE(bound, std::min(padded(x) + y, x + padded(y)));
        }
      }
    }
  }
}

// Few enough for the greedy cliques to be the heaviest mostly: a bound that is never weak.
TEST(Bound, OfAGraphIsMostlyTheHeaviestClique) {
  int equal = 0;
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const MemoryProblem problem = random_problem(seed, options_of(4));
    equal += lower_bound(problem) == heaviest_clique(problem);
  }
  EXPECT_GT(equal, 390);
}

TEST(Bound, NoPlanIsLower) {
  for (int kind = 0; kind < kKinds; ++kind) {
    for (uint32_t seed = 1000; seed < 1060; ++seed) {
      const MemoryProblem problem = random_problem(seed, options_of(kind));
      if (kind == 6) continue;  // far apart: too high for force
      ASSERT_LE(lower_bound(problem), optimum_by_force(problem))
          << "kind " << kind << " seed " << seed;
    }
  }
}

TEST(Bound, OfOneSpaceIgnoresTheOthers) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const MemoryProblem alone = random_problem(seed, options_of(1));
    MemoryProblem both = random_problem(seed + 7000, options_of(1));
    both.spaces.resize(2);
    for (const MemoryBuffer& buffer : alone.buffers) {
      both.buffers.push_back(buffer);
      both.buffers.back().space = 1;
    }
    ASSERT_EQ(lower_bound(both, 1), lower_bound(alone)) << seed;
    const Instance instance = make_instance(both, 1);
    for (const Item& item : instance.items) ASSERT_EQ(both.buffers[item.buffer].space, 1u);
  }
}

TEST(Bound, ConflictsAreThoseOfTheDefinition) {
  for (int kind = 0; kind < kKinds; ++kind) {
    for (uint32_t seed = 0; seed < 200; ++seed) {
      SCOPED_TRACE(seed);
      const MemoryProblem problem = random_problem(seed, options_of(kind));
      const Instance instance = make_instance(problem, 0);
      const auto lists = conflict_lists(instance, 1 << 20);
      ASSERT_TRUE(lists);
      std::set<std::pair<size_t, size_t>> pairs;
      for (size_t a = 0; a < instance.items.size(); ++a) {
        std::vector<uint32_t> expected;
        for (uint32_t b = 0; b < instance.items.size(); ++b) {
          if (a != b && conflict(problem, instance.items[a].buffer, instance.items[b].buffer)) {
            expected.push_back(b);
            pairs.insert({a, b});
          }
        }
        ASSERT_EQ((*lists)[a], expected);
      }
      // Cliques: pairwise in conflict, and all conflicts and loners are in one.
      std::set<uint32_t> seen;
      const auto cover = clique_cover(instance);
      ASSERT_TRUE(cover);
      for (const auto& clique : *cover) {
        ASSERT_TRUE(std::is_sorted(clique.begin(), clique.end()));
        for (const uint32_t a : clique) {
          seen.insert(a);
          for (const uint32_t b : clique) {
            if (a == b) continue;
            ASSERT_TRUE(conflict(problem, instance.items[a].buffer, instance.items[b].buffer));
            pairs.erase({a, b});
          }
        }
      }
      ASSERT_TRUE(pairs.empty());
      ASSERT_EQ(seen.size(), instance.items.size());
    }
  }
}

TEST(Bound, TooManyConflictsAreNotListed) {
  MemoryProblem problem;
  for (int i = 0; i < 5; ++i) {
    problem.buffers.emplace_back().size_bytes = 1;
    problem.buffers.back().upper = 1;
  }
  const Instance instance = make_instance(problem, 0);
  EXPECT_TRUE(conflict_lists(instance, 10));
  EXPECT_FALSE(conflict_lists(instance, 9));
}

TEST(Bound, HeightIsTheHighestEnd) {
  MemoryProblem problem;
  for (const int64_t size : {8, 2, 5}) {
    problem.buffers.emplace_back().size_bytes = size;
    problem.buffers.back().upper = 1;
  }
  const Instance instance = make_instance(problem, 0);
  const auto height = [&](const std::vector<int64_t>& of_buffers) {
    std::vector<int64_t> offsets;  // of the items, which have an order of their own
    for (const Item& item : instance.items) offsets.push_back(of_buffers[item.buffer]);
    return height_of(instance, offsets);
  };
  EXPECT_EQ(height({0, 8, 10}), 15);
  EXPECT_EQ(height({20, 8, 10}), 28);
  EXPECT_EQ(height({0, 30, 10}), 32);
}

}  // namespace
}  // namespace memopt
