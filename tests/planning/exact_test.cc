// The exact search against brute force: asked for the optimum it finds a packing, asked for less it
// proves that there is none. The planner alone asks it for little, as heuristics are tried first.
#include "passes/planning/exact.h"

#include <gtest/gtest.h>

#include "passes/planning/instance.h"
#include "tests/planning/random_problem.h"
#include "tests/support/perfect_packing.h"

namespace memopt {
namespace {

using testing::collide;
using testing::optimum_by_force;
using testing::random_problem;
using testing::RandomProblemOptions;

RandomProblemOptions options_of(int kind) {
  RandomProblemOptions options;
  options.max_buffers = 7;
  options.max_size = kind % 2 == 0 ? 3 : 5;
  options.alignments = kind == 1 || kind == 5;
  options.gaps = kind == 2 || kind == 5;
  options.many_gaps = kind == 3;
  options.graph = kind == 4;
  return options;
}
constexpr int kKinds = 6;

// Of the items, and within the capacity.
bool is_packing(const MemoryProblem& problem, const Instance& instance,
                const std::vector<int64_t>& offsets, int64_t capacity) {
  for (size_t a = 0; a < offsets.size(); ++a) {
    const Item& item = instance.items[a];
    if (offsets[a] < 0 || offsets[a] % item.alignment != 0 || offsets[a] + item.size > capacity) {
      return false;
    }
    for (size_t b = 0; b < a; ++b) {
      if (collide(problem, item.buffer, offsets[a], instance.items[b].buffer, offsets[b])) {
        return false;
      }
    }
  }
  return offsets.size() == instance.items.size();
}

TEST(Exact, DecidesWhatBruteForceDecides) {
  for (int kind = 0; kind < kKinds; ++kind) {
    for (uint32_t seed = 3700; seed < 3850; ++seed) {  // one needs the rarest of the rules
      SCOPED_TRACE("kind " + std::to_string(kind) + " seed " + std::to_string(seed));
      MemoryProblem problem = random_problem(seed, options_of(kind));
      std::erase_if(problem.buffers, [&](const MemoryBuffer& buffer) {
        return !problem.interference && rectangles(buffer).empty();  // never live: anywhere
      });
      const Instance instance = make_instance(problem, 0);
      const int64_t optimum = optimum_by_force(problem);
      const ExactPlacer placer(instance);
      ASSERT_TRUE(placer.available());
      ASSERT_TRUE(placer.proves());
      for (const uint64_t search : {1, 2, 3}) {
        const DecideOptions options{.work_limit = 1'000'000, .seed = search};
        for (int64_t capacity = optimum; capacity < optimum + 3; ++capacity) {
          const ExactResult found = placer.decide(capacity, options);
          ASSERT_EQ(found.verdict, Verdict::kFound);
          ASSERT_TRUE(is_packing(problem, instance, found.offsets, capacity));
        }
        if (optimum == 0) break;
        ASSERT_EQ(placer.decide(optimum - 1, options).verdict, Verdict::kImpossible);
      }
    }
  }
}

// Larger ones, of which a packing is known that fills the capacity or most of it.
TEST(Exact, NeverProvesImpossibleWhatFits) {
  int found = 0, given_up = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    for (const size_t pieces : {10, 20, 40}) {
      for (const double density : {1.0, 0.95, 0.8}) {
        const MemoryProblem problem = perfect_packing(seed, pieces, density);
        const Instance instance = make_instance(problem, 0);
        const ExactResult result =
            ExactPlacer(instance).decide(1024 * 1024, {.work_limit = 1000, .seed = seed});
        ASSERT_NE(result.verdict, Verdict::kImpossible)
            << "seed " << seed << ", " << pieces << " pieces, density " << density;
        ++(result.verdict == Verdict::kFound ? found : given_up);
      }
    }
  }
  EXPECT_GT(found, 100);
}

// A gap of which a part stays occupied counts as all of it for the search.
TEST(Exact, ProvesNothingWhereThereAreWindows) {
  MemoryProblem problem;
  for (int i = 0; i < 2; ++i) {
    MemoryBuffer& buffer = problem.buffers.emplace_back();
    buffer.size_bytes = 4;
    buffer.lower = i;
    buffer.upper = 3 - i;
  }
  problem.buffers[0].gaps = {{.lower = 1, .upper = 2, .window = ByteRange{0, 1}}};
  problem.buffers[1].size_bytes = 3;
  ASSERT_EQ(optimum_by_force(problem), 4);
  const Instance instance = make_instance(problem, 0);
  const ExactPlacer placer(instance);
  EXPECT_FALSE(placer.proves());
  EXPECT_EQ(placer.decide(4, {.work_limit = 1000}).verdict, Verdict::kImpossible);
  EXPECT_EQ(placer.decide(7, {.work_limit = 1000}).verdict, Verdict::kFound);
}

}  // namespace
}  // namespace memopt
