// The roots of aliases: chains and trees of them as deep as they may be, in whatever order the
// values are, and none that are deeper or go round.
#include "runtime/plan/roots.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/plan/limits.h"
#include "tests/support/sound_plan.h"

namespace memopt {
namespace {

// Values of which each is an alias of the one that is named, or none.
using Parents = std::vector<std::optional<uint32_t>>;

Plan plan_of(const Parents& parents) {
  Plan plan;
  plan.values.resize(parents.size());
  for (size_t i = 0; i < parents.size(); ++i) {
    if (parents[i]) plan.values[i].alias = PlanAlias{*parents[i], true, {}};
  }
  return plan;
}

// The same with the numbers that `place` says.
Parents renumbered(const Parents& parents, const std::vector<uint32_t>& place) {
  Parents result(parents.size());
  for (size_t i = 0; i < parents.size(); ++i) {
    if (parents[i]) result[place[i]] = place[*parents[i]];
  }
  return result;
}

// As they are, backwards, and shuffled.
std::vector<std::vector<uint32_t>> orders(size_t count, Dice& dice) {
  std::vector<uint32_t> place(count);
  for (uint32_t i = 0; i < count; ++i) place[i] = i;
  std::vector<std::vector<uint32_t>> result = {place, {place.rbegin(), place.rend()}};
  for (int times = 0; times < 4; ++times) {
    for (size_t i = count; i > 1; --i) {
      std::swap(place[i - 1], place[static_cast<size_t>(dice.below(static_cast<int64_t>(i)))]);
    }
    result.push_back(place);
  }
  return result;
}

TEST(Roots, OfChainsAndTreesAsDeepAsTheyMayBe) {
  constexpr size_t kMost = kMaxPlanAliasDepth;
  Dice dice(1);
  for (const size_t depth :
       {size_t{0}, size_t{1}, size_t{5}, kMost - 1, kMost, kMost + 1, 2 * kMost}) {
    // The chain, with leaves and other chains at some of its values; and a tree beside it.
    Parents parents = {std::nullopt};
    std::vector<size_t> depths = {0};
    const auto add = [&](uint32_t parent) {
      parents.emplace_back(parent);
      depths.push_back(depths[parent] + 1);
      return static_cast<uint32_t>(parents.size() - 1);
    };
    for (uint32_t last = 0; depths[last] < depth;) last = add(last);
    for (int leaves = 0; leaves < 50; ++leaves) {
      const auto at = static_cast<uint32_t>(dice.below(static_cast<int64_t>(parents.size())));
      if (depths[at] < depth) add(at);
    }
    const auto other_root = static_cast<uint32_t>(parents.size());
    parents.emplace_back();
    depths.push_back(0);
    if (depth > 0) add(other_root);
    for (const std::vector<uint32_t>& place : orders(parents.size(), dice)) {
      const auto roots = find_roots(plan_of(renumbered(parents, place)));
      ASSERT_EQ(roots.ok(), depth <= kMost) << depth;
      if (!roots.ok()) continue;
      for (uint32_t i = 0; i < parents.size(); ++i) {
        EXPECT_EQ((*roots)[place[i]], place[i < other_root ? 0 : other_root]) << depth;
      }
    }
  }
}

TEST(Roots, OfNothingThatGoesRound) {
  Dice dice(2);
  for (const uint32_t length : {1u, 2u, 3u, 1000u, 1024u, 1025u, 3000u}) {
    for (const uint32_t tail : {0u, 1u, 1030u}) {
      Parents parents;
      for (uint32_t i = 0; i < length; ++i) parents.emplace_back((i + 1) % length);
      for (uint32_t i = 0; i < tail; ++i) parents.emplace_back(i == 0 ? 0 : length + i - 1);
      parents.emplace_back();
      for (const std::vector<uint32_t>& place : orders(parents.size(), dice)) {
        EXPECT_FALSE(find_roots(plan_of(renumbered(parents, place))).ok()) << length;
      }
    }
  }
}

}  // namespace
}  // namespace memopt
