// What a kernel sees of a node.
#include "passes/lowering.h"

#include <gtest/gtest.h>

#include <array>

namespace memopt {
namespace {

TEST(NodeOperands, BytesOfConstantsAreShownWhereTheyAreAligned) {
  alignas(64) static std::array<std::byte, 256> memory{};
  for (const size_t odd : {0, 4, 1, 2}) {
    Graph graph;
    const TensorType type{.dtype = DType::kF32, .dims = {4}};
    const ValueId x = graph.add_input("x", type);
    const std::span<const std::byte> bytes(memory.data() + 64 + odd, 16);
    const ValueId c = graph.add_constant("c", type, ConstantData::mapped(bytes, nullptr));
    const ValueId y = graph.add_simple(Binary{}, {{x, c}}, type, "y", "");
    const NodeOperands operands = node_operands(graph, graph.value(y).producer);
    EXPECT_FALSE(operands.inputs[0].constant);
    EXPECT_EQ(operands.inputs[0].data, nullptr);
    EXPECT_TRUE(operands.inputs[1].constant);
    EXPECT_EQ(operands.inputs[1].data, odd % 4 == 0 ? bytes.data() : nullptr) << odd;
  }
}

}  // namespace
}  // namespace memopt
