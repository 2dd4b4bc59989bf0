// A graph that grows by one operator at a time, with the bytes of its inputs: samples in graphs.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "tests/support/samples.h"

namespace memopt::testing {

struct GrowingGraph {
  Graph graph;
  std::vector<std::vector<std::byte>> inputs;  // in the order of the signature

  ValueId add_input(const TensorType& type, std::vector<std::byte> bytes);
  // All results that type inference names; a failed expectation and nothing where it refuses.
  std::vector<ValueId> add(const Op& op, const std::vector<ValueId>& operands);
  // The operator of a sample: operand 0 is an input, so that nothing is folded, the others are
  // constants. All results but the first one are outputs of the graph.
  std::vector<ValueId> add_sample(const Sample& sample);
};

}  // namespace memopt::testing
