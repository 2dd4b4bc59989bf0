// Plans made by hand, for tests that look at plans and run nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace memopt {

// Builds a plan step by step; every value is f32 and row-major.
class PlanBuilder {
 public:
  uint32_t add(std::string name, Dims dims, Storage storage, int64_t offset_bytes = 0);
  uint32_t input(std::string name, Dims dims, Storage storage, int64_t offset_bytes = 0);
  uint32_t constant(std::string name, Dims dims);
  // All of `parent` under other dimensions.
  uint32_t reshape(std::string name, Dims dims, uint32_t parent);
  void step(std::string name, Op op, std::vector<uint32_t> inputs, std::vector<uint32_t> outputs,
            int64_t scratch_bytes = 0, int64_t scratch_offset_bytes = 0);
  void output(uint32_t value) { plan.outputs.push_back(value); }

  Plan plan;
};

// Four steps whose figures a reader can check. Arena 960, of which at the peak (step 1) activations
// 752, scratch 128, padding 16 (240 to 256) and 64 unused; constants 448; inputs and outputs 496.
//
//   step 0  conv1  x (256 B, caller), w (400 B) -> a (240 B at 0)           live 240
//   step 1  conv2  a, w -> b (512 B at 256), scratch 128 B at 768           live 880
//   step 2  slice  b -> c (240 B at 0)                                      live 752
//   step 3  mul    v, v -> y (240 B, caller) where v is a reshape of c      live 240
Plan tiny_plan();

// A residual network of `blocks` blocks with offsets from the planner, inputs in the arena.
Plan residual_plan(int blocks);

}  // namespace memopt
