// Random ordering problems of any size: what networks look like, and what they do not.
#pragma once

#include <cstdint>
#include <span>

#include "passes/planning/order.h"

namespace memopt {

struct GraphShape {
  const char* name;
  const char* summary;
  OrderProblem (*generate)(int32_t min_ops, uint32_t seed);
};
std::span<const GraphShape> graph_shapes();

}  // namespace memopt
