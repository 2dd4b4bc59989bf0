// Problems whose witnesses are forged consistently: one claim is wrong and every number that
// depends on it is recomputed, so that only the check of that claim can reject it. What is right is
// decided here a second time, from the definitions in check.h alone.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "tests/tools/certificate_brute_force.h"
#include "tests/tools/certificate_problems.h"
#include "tools/certificate/check.h"

namespace memopt::certificate {

// Who waits for whom, directly or not, and the definitions that need it.
class Order {
 public:
  explicit Order(const Problem& problem)
      : problem_(problem), steps_(problem.step_count()), waits_(steps_, std::vector<bool>(steps_)) {
    for (size_t step = 0; step < steps_; ++step) {
      for (const int32_t other : problem.steps[step].before) waits_[step][other] = true;
    }
    for (size_t middle = 0; middle < steps_; ++middle) {
      for (size_t a = 0; a < steps_; ++a) {
        for (size_t b = 0; b < steps_; ++b) {
          if (waits_[a][middle] && waits_[middle][b]) waits_[a][b] = true;
        }
      }
    }
  }

  bool waits(int32_t step, int32_t earlier) const { return waits_[step][earlier]; }
  bool touches(int32_t step, int32_t storage) const {
    const auto& steps = problem_.storages[storage].steps;
    return std::count(steps.begin(), steps.end(), step) > 0;
  }
  // Some step that comes before `step` in every order has begun the storage; some step that comes
  // behind it needs it.
  bool begun(int32_t step, int32_t storage) const {
    const ArenaStorage& at = problem_.storages[storage];
    return at.at_start || std::any_of(at.steps.begin(), at.steps.end(),
                                      [&](int32_t other) { return waits(step, other); });
  }
  bool needed(int32_t step, int32_t storage) const {
    const ArenaStorage& at = problem_.storages[storage];
    return at.at_end || std::any_of(at.steps.begin(), at.steps.end(),
                                    [&](int32_t other) { return waits(other, step); });
  }
  std::vector<Overwrite> possible(int32_t step) const {
    std::vector<Overwrite> pairs;
    for (const Overwrite& pair : problem_.steps[step].overwrites) {
      if (!begun(step, pair.result) && !needed(step, pair.operand)) pairs.push_back(pair);
    }
    return pairs;
  }
  bool is_cut(int32_t step) const {
    for (int32_t other = 0; other < problem_.step_count(); ++other) {
      if (other != step && !waits(step, other) && !waits(other, step)) return false;
    }
    return true;
  }

 private:
  const Problem& problem_;
  const size_t steps_;
  std::vector<std::vector<bool>> waits_;
};

inline int64_t saved_by(const Problem& problem, int32_t step, const std::vector<Overwrite>& pairs) {
  if (problem.steps[step].overwrites.size() <= 8) return try_pairs(pairs, 0, {});
  std::map<int32_t, int64_t> by_result;
  for (const Overwrite& pair : pairs) by_result.emplace(pair.result, pair.bytes);
  return std::accumulate(by_result.begin(), by_result.end(), int64_t{0},
                         [](int64_t sum, const auto& one) { return sum + one.second; });
}

class Forgeries : public testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    problem_ = random_problem(GetParam(), small_options(GetParam()));
    plan_ = names_for(problem_);
    // Two values of one name.
    if (GetParam() % 5 == 0 && plan_.values.size() > 2) plan_.values[1].name = plan_.values[2].name;
    if (GetParam() % 3 == 0) problem_.always_bytes = 128;
    least_ = least_bytes(problem_);
  }

  Problem problem_;
  Plan plan_;
  int64_t least_ = 0;
};

}  // namespace memopt::certificate
