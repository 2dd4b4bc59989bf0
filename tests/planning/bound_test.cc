// Bounds and conflicts against their definitions, looked up step by step.
#include "passes/planning/bound.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <random>
#include <set>
#include <tuple>

#include "passes/planning/instance.h"
#include "tests/planning/random_problem.h"

namespace memopt {
namespace {

using testing::optimum_by_force;
using testing::random_problem;
using testing::RandomProblemOptions;

RandomProblemOptions options_of(int kind) {
  RandomProblemOptions options;
  options.alignments = kind == 1 || kind == 5 || kind == 7;
  options.gaps = kind == 2 || kind == 3 || kind == 7;
  options.windows = kind == 3 || kind == 7 || kind == 9;
  options.graph = kind == 4 || kind == 5;
  options.fixed = kind == 6;
  options.many_gaps = kind == 8 || kind == 9;
  return options;
}
constexpr int kKinds = 10;

// The bytes that a buffer occupies at a step.
int64_t bytes_at(const MemoryBuffer& buffer, int64_t step) {
  if (step < buffer.lower || step >= buffer.upper) return 0;
  for (const MemoryGap& gap : buffer.gaps) {
    if (gap.lower > step || step >= gap.upper) continue;
    return gap.window ? gap.window->end - gap.window->begin : 0;
  }
  return buffer.size_bytes;
}

// Whether it occupies bytes at all.
bool occupies(const MemoryProblem& problem, const MemoryBuffer& buffer) {
  if (problem.interference) return buffer.size_bytes > 0;
  for (int64_t step = buffer.lower; step < buffer.upper; ++step) {
    if (bytes_at(buffer, step) > 0) return true;
  }
  return false;
}

int64_t granularity_of(const MemoryProblem& problem) {
  int64_t common = 0;
  for (const MemoryBuffer& buffer : problem.buffers) {
    if (!occupies(problem, buffer)) continue;
    for (const MemoryGap& gap : buffer.gaps) {
      if (gap.window) return 1;
    }
    common = std::gcd(common, buffer.alignment);
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

TEST(Bound, AFixedBufferReachesItsEndWhetherItEverLivesOrNot) {
  MemoryProblem problem;
  MemoryBuffer& fixed = problem.buffers.emplace_back();
  fixed.size_bytes = 8;
  fixed.fixed_offset = 100;
  fixed.upper = 1;
  EXPECT_EQ(lower_bound(problem), 108);
  EXPECT_EQ(instance_bound(make_instance(problem, 0)), 108);
  problem.interference.emplace();
  EXPECT_EQ(lower_bound(problem), 108);
  EXPECT_EQ(instance_bound(make_instance(problem, 0)), 108);
  problem.interference.reset();
  problem.buffers[0].gaps = {{.lower = 0, .upper = 1, .window = {}}};
  EXPECT_EQ(lower_bound(problem), 108);
  EXPECT_EQ(instance_bound(make_instance(problem, 0)), 0) << "no item of it";
  problem.buffers[0].fixed_offset.reset();
  EXPECT_EQ(lower_bound(problem), 8);
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

MemoryProblem graph_of(const std::vector<int64_t>& sizes,
                       std::vector<std::pair<uint32_t, uint32_t>> edges) {
  MemoryProblem problem;
  for (const int64_t size : sizes) problem.buffers.emplace_back().size_bytes = size;
  problem.interference.emplace().edges = std::move(edges);
  return problem;
}

// Three heavy buffers, and for each two of them a light one that is in conflict with both.
TEST(Bound, OfAGraphPutsTheHeaviestTogetherFirst) {
  for (const auto& [a, b, c] : {std::tuple(0u, 1u, 2u), std::tuple(0u, 1u, 5u)}) {
    std::vector<int64_t> sizes(6, 1);
    std::vector<uint32_t> light;
    for (uint32_t i = 0; i < 6; ++i) {
      if (i == a || i == b || i == c) {
        sizes[i] = 10;
      } else {
        light.push_back(i);
      }
    }
    const MemoryProblem problem = graph_of(sizes, {{a, b},
                                                   {a, c},
                                                   {b, c},
                                                   {light[0], a},
                                                   {light[0], b},
                                                   {light[1], a},
                                                   {light[1], c},
                                                   {light[2], b},
                                                   {light[2], c}});
    EXPECT_EQ(lower_bound(problem), 30);
  }
}

TEST(Bound, CliquesOfAGraphAreNotFoundTwice) {
  std::vector<std::pair<uint32_t, uint32_t>> edges;
  for (uint32_t a = 0; a < 6; ++a) {
    for (uint32_t b = 0; b < a; ++b) {
      edges.emplace_back(a, b);
      edges.emplace_back(b, a);  // said twice
      edges.emplace_back(6 + a, 6 + b);
    }
  }
  std::reverse(edges.begin(), edges.end());
  const Instance instance = make_instance(graph_of(std::vector<int64_t>(13, 1), edges), 0);
  for (uint32_t i = 0; i < 12; ++i) {
    std::vector<uint32_t> others;
    for (uint32_t k = i / 6 * 6; k < i / 6 * 6 + 6; ++k) {
      if (k != i) others.push_back(k);
    }
    EXPECT_EQ(instance.neighbors[i], others);
  }
  using Cliques = std::vector<std::vector<uint32_t>>;
  EXPECT_EQ(clique_cover(instance), (Cliques{{0, 1, 2, 3, 4, 5}, {6, 7, 8, 9, 10, 11}, {12}}));
}

TEST(Bound, CliquesThatTakeTooLongToFindAreNoCover) {
  // A path: every edge is a clique, for which neighbors are looked at once or twice.
  std::vector<std::pair<uint32_t, uint32_t>> edges;
  for (uint32_t i = 0; i + 1 < 100; ++i) edges.emplace_back(i, i + 1);
  const Instance instance = make_instance(graph_of(std::vector<int64_t>(100, 1), edges), 0);
  EXPECT_EQ(clique_cover(instance)->size(), 99u);
  EXPECT_TRUE(clique_cover(instance, 2000));
  EXPECT_FALSE(clique_cover(instance, 200));
  EXPECT_FALSE(clique_cover(instance, 0));
  // So do those that are looked at in vain: a star.
  edges.clear();
  for (uint32_t i = 1; i < 60; ++i) edges.emplace_back(0, i);
  const Instance star = make_instance(graph_of(std::vector<int64_t>(60, 1), edges), 0);
  EXPECT_TRUE(clique_cover(star, 10'000));
  EXPECT_FALSE(clique_cover(star, 1000)) << "59 * 58 of them, and 59 * 4 for the cliques";
  // What the members of a large clique cost counts as well.
  edges.clear();
  for (uint32_t a = 0; a < 40; ++a) {
    for (uint32_t b = 0; b < a; ++b) edges.emplace_back(a, b);
  }
  edges.emplace_back(40, 41);
  const Instance large = make_instance(graph_of(std::vector<int64_t>(42, 1), edges), 0);
  EXPECT_TRUE(clique_cover(large, 5000));
  EXPECT_FALSE(clique_cover(large, 1500)) << "40 * 40 for a clique of 40";
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

TEST(Bound, CliquesOfLifetimesAreTheMaximalOnes) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    const Instance instance = make_instance(random_problem(seed, options_of(0)), 0);
    const auto cover = clique_cover(instance);
    ASSERT_TRUE(cover);
    for (const auto& small : *cover) {
      for (const auto& large : *cover) {
        ASSERT_EQ(&small != &large &&
                      std::includes(large.begin(), large.end(), small.begin(), small.end()),
                  false);
      }
    }
  }
}

auto content_of(const Item& item) {
  std::vector<std::array<int64_t, 4>> rectangles;
  for (const Rectangle& r : item.rectangles) {
    rectangles.push_back({r.lower, r.upper, r.begin, r.end});
  }
  return std::tuple(item.lower, item.upper, item.size, item.alignment, item.fixed_offset,
                    rectangles);
}

TEST(Bound, ItemsAreInAnOrderOfTheirOwnWhateverThatOfTheBuffers) {
  std::mt19937 random(3);
  int equal_but_for_rectangles = 0;
  for (int kind = 0; kind < kKinds; ++kind) {
    if (options_of(kind).graph) continue;
    for (uint32_t seed = 0; seed < 200; ++seed) {
      RandomProblemOptions options = options_of(kind);
      options.max_size = 2;  // for many that are nearly the same
      options.max_buffers = 12;
      MemoryProblem problem = random_problem(seed, options);
      const Instance instance = make_instance(problem, 0);
      std::shuffle(problem.buffers.begin(), problem.buffers.end(), random);
      const Instance shuffled = make_instance(problem, 0);
      ASSERT_EQ(shuffled.items.size(), instance.items.size());
      for (size_t i = 0; i < instance.items.size(); ++i) {
        const auto content = content_of(instance.items[i]);
        ASSERT_EQ(content_of(shuffled.items[i]), content) << "kind " << kind << " seed " << seed;
        if (i == 0) continue;
        const auto before = content_of(instance.items[i - 1]);
        ASSERT_LE(before, content);
        equal_but_for_rectangles += before != content &&
                                    std::get<0>(before) == std::get<0>(content) &&
                                    std::get<1>(before) == std::get<1>(content) &&
                                    std::get<2>(before) == std::get<2>(content);
      }
    }
  }
  EXPECT_GT(equal_but_for_rectangles, 100);
}

// Two that differ in the middle of their lives only.
TEST(Bound, TheOrderOfItemsLooksAtAllOfTheirRectangles) {
  MemoryProblem problem;
  for (const int64_t step : {2, 3}) {
    MemoryBuffer& buffer = problem.buffers.emplace_back();
    buffer.size_bytes = 4;
    buffer.upper = 6;
    buffer.gaps = {{.lower = 1, .upper = step, .window = {}},
                   {.lower = step + 1, .upper = 5, .window = {}}};
  }
  for (int i = 0; i < 2; ++i) {
    const Instance instance = make_instance(problem, 0);
    EXPECT_EQ(instance.items[0].rectangles[1].lower, 2);
    EXPECT_EQ(instance.items[1].rectangles[1].lower, 3);
    std::swap(problem.buffers[0], problem.buffers[1]);
  }
}

TEST(Bound, ItemsOfAGraphKeepTheOrderOfTheBuffers) {
  const Instance instance = make_instance(graph_of({3, 0, 1, 2}, {{0, 2}, {1, 3}, {2, 3}}), 0);
  ASSERT_EQ(instance.items.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(instance.items[i].size, (std::vector{3, 1, 2})[i]);
  EXPECT_EQ(instance.neighbors, (std::vector<std::vector<uint32_t>>{{1}, {0, 2}, {1}}));
}

TEST(Bound, AnInstanceKnowsItsCapacityAndWhetherThereAreWindows) {
  MemoryProblem problem;
  problem.spaces.resize(2);
  problem.spaces[1].capacity_bytes = 77;
  MemoryBuffer& buffer = problem.buffers.emplace_back();
  buffer.size_bytes = 4;
  buffer.upper = 3;
  buffer.alignment = 8;
  buffer.gaps = {{.lower = 1, .upper = 2, .window = {}}};
  EXPECT_EQ(make_instance(problem, 0).capacity_bytes, std::nullopt);
  EXPECT_EQ(make_instance(problem, 1).capacity_bytes, 77);
  EXPECT_FALSE(make_instance(problem, 0).has_windows);
  EXPECT_EQ(make_instance(problem, 0).granularity, 8);
  buffer.gaps[0].window = ByteRange{0, 2};
  EXPECT_TRUE(make_instance(problem, 0).has_windows);
  EXPECT_EQ(make_instance(problem, 0).granularity, 1);
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
