// Graphs that several tests of passes look at.
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "passes/lowering.h"
#include "passes/pipeline.h"

namespace memopt {

// `a` waits for its second reader, `y`, while `b` and `c` are computed.
inline constexpr const char* kKeepsA = R"(graph "g" {
  %x = input : f32[4]
  %a = unary(%x) {fn=relu} "a" : f32[4]
  %b = unary(%a) {fn=exp} "b" : f32[4]
  %c = unary(%b) {fn=exp} "c" : f32[4]
  %y = binary(%c, %a) "y" : f32[4]
  return %y
}
)";

struct Lowered {
  Graph graph;
  NodeMap<KernelChoice> kernels;
};

// Optimized, laid out, with a kernel for each node.
inline Lowered lowered(Graph graph) {
  EXPECT_TRUE(run_passes(graph, optimization_pipeline()).ok());
  EXPECT_TRUE(run_passes(graph, layout_pipeline()).ok());
  auto kernels = select_kernels(graph, {});
  EXPECT_TRUE(kernels.ok());
  return {std::move(graph), std::move(*kernels)};
}

}  // namespace memopt
