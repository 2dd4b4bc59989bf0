#include "passes/analysis/cost.h"

namespace memopt {

const CostModel& default_cost_model() {
  static const CostModel kModel{
      .kernels =
          {
              {"binary.reference", {.step_ns = 2790, .ns_per_operation = 0.5358, .ns_per_byte = 0}},
              {"binary.simd", {.step_ns = 1500, .ns_per_operation = 0.1432, .ns_per_byte = 0}},
              {"cast.reference", {.step_ns = 2516, .ns_per_operation = 1.9408, .ns_per_byte = 0}},
              {"concat.copy", {.step_ns = 800, .ns_per_operation = 0.2066, .ns_per_byte = 0}},
              {"concat.reference", {.step_ns = 800, .ns_per_operation = 0.4237, .ns_per_byte = 0}},
              {"conv.filter", {.step_ns = 1000, .ns_per_operation = 0.07, .ns_per_byte = 0}},
              {"conv.onednn", {.step_ns = 2827, .ns_per_operation = 0.0184, .ns_per_byte = 0.0388}},
              {"conv.packed", {.step_ns = 1500, .ns_per_operation = 0.0184, .ns_per_byte = 0.0388}},
              {"conv.reference", {.step_ns = 18345, .ns_per_operation = 0, .ns_per_byte = 3.3488}},
              {"copy.blocked", {.step_ns = 500, .ns_per_operation = 0.2, .ns_per_byte = 0}},
              {"expand.copy", {.step_ns = 500, .ns_per_operation = 0, .ns_per_byte = 0.0207}},
              {"gather.reference", {.step_ns = 500, .ns_per_operation = 0.0944, .ns_per_byte = 0}},
              {"matmul.onednn", {.step_ns = 5279, .ns_per_operation = 0, .ns_per_byte = 0.0983}},
              {"matmul.packed", {.step_ns = 1000, .ns_per_operation = 0, .ns_per_byte = 0.0983}},
              {"matmul.packed_in_run",
               {.step_ns = 1000, .ns_per_operation = 0, .ns_per_byte = 0.1966}},
              {"matmul.reference", {.step_ns = 500, .ns_per_operation = 0, .ns_per_byte = 0.2897}},
              {"pad.copy", {.step_ns = 500, .ns_per_operation = 0, .ns_per_byte = 0.0234}},
              {"pool.onednn", {.step_ns = 5452, .ns_per_operation = 0.112, .ns_per_byte = 0}},
              {"pool.reference", {.step_ns = 500, .ns_per_operation = 3.077, .ns_per_byte = 0}},
              {"pool.simd", {.step_ns = 800, .ns_per_operation = 0.0522, .ns_per_byte = 0.0322}},
              {"reduce.simd", {.step_ns = 10064, .ns_per_operation = 0, .ns_per_byte = 0.0277}},
              {"reorder.onednn", {.step_ns = 800, .ns_per_operation = 0.3766, .ns_per_byte = 0}},
              {"reorder.reference", {.step_ns = 120, .ns_per_operation = 1.525, .ns_per_byte = 0}},
              {"reshape.reference", {.step_ns = 399, .ns_per_operation = 0.1038, .ns_per_byte = 0}},
              {"resize.reference", {.step_ns = 500, .ns_per_operation = 19.237, .ns_per_byte = 0}},
              {"resize.rows", {.step_ns = 500, .ns_per_operation = 0.5247, .ns_per_byte = 0}},
              {"slice.copy", {.step_ns = 1300, .ns_per_operation = 0.15, .ns_per_byte = 0}},
              {"softmax.simd", {.step_ns = 17180, .ns_per_operation = 0.9234, .ns_per_byte = 0}},
              {"split.copy", {.step_ns = 410, .ns_per_operation = 0.15, .ns_per_byte = 0}},
              {"transpose.blocked",
               {.step_ns = 1350, .ns_per_operation = 0.0794, .ns_per_byte = 0}},
              {"unary.reference", {.step_ns = 500, .ns_per_operation = 15.9629, .ns_per_byte = 0}},
              {"unary.simd", {.step_ns = 700, .ns_per_operation = 0.0746, .ns_per_byte = 0}},
          },
      .other = {.step_ns = 2403, .ns_per_operation = 5, .ns_per_byte = 0.28}};
  return kModel;
}

}  // namespace memopt
