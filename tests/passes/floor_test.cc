// The floor of a budget, which proves that less is impossible, counts exactly what must be there.
#include "passes/budget/floor.h"

#include <gtest/gtest.h>

#include "compiler/ir/text.h"

namespace memopt {
namespace {

BudgetFloor floor_of(const std::string& lines, const std::string& results, bool io_in_arena) {
  const auto graph = parse_graph("graph \"g\" {\n" + lines + "  return " + results + "\n}\n");
  EXPECT_TRUE(graph.ok()) << graph.error().message;
  BackendOptions options;
  options.buffers.io_in_arena = io_in_arena;
  const auto candidate = evaluate_moves(*graph, {}, options, CostModel{});
  EXPECT_TRUE(candidate.ok()) << candidate.error().message;
  return budget_floor(*candidate, io_in_arena);
}

// Inputs of 17 and 100 numbers: 128 and 448 bytes in whole blocks. Their product is one number, so
// nothing of it can be split.
const char* const kProduct = R"(  %x = input : f32[1x17]
  %y = input : f32[17x1]
  %a = unary(%x) {fn=exp} "a" : f32[1x17]
  %b = unary(%y) {fn=exp} "b" : f32[17x1]
  %z = matmul(%a, %b) "product" : f32[1x1]
)";

TEST(Floor, WholeOperandsOfWhatCannotBeSplit) {
  const BudgetFloor floor = floor_of(kProduct, "%z", false);
  EXPECT_EQ(floor.bytes, 128 + 128);
  EXPECT_NE(floor.reason.find("'product' (matmul) cannot be split and reads"), std::string::npos)
      << floor.reason;
}

TEST(Floor, AStorageCountsOnce) {
  const std::string lines = R"(  %x = input : f32[1x17]
  %a = unary(%x) {fn=exp} "a" : f32[1x17]
  %b = reshape(%a) {dims=[17,1]} "b" : f32[17x1]
  %z = matmul(%a, %b) "product" : f32[1x1]
)";
  EXPECT_EQ(floor_of(lines, "%z", false).bytes, 128);
}

TEST(Floor, ConstantsAreElsewhere) {
  const std::string lines = R"(  %x = input : f32[1x17]
  %a = unary(%x) {fn=exp} "a" : f32[1x17]
  %b = constant : f32[17x1] splat 2
  %z = matmul(%a, %b) "product" : f32[1x1]
)";
  EXPECT_EQ(floor_of(lines, "%z", false).bytes, 128);
}

TEST(Floor, InputsAndOutputsWhereTheyAreInTheArena) {
  const std::string lines = R"(  %x = input : f32[100]
  %y = input : f32[17]
  %a = unary(%x) {fn=exp} "a" : f32[100]
  %b = unary(%y) {fn=exp} "b" : f32[17]
  %c = unary(%y) {fn=abs} "c" : f32[17]
)";
  const BudgetFloor inputs = floor_of(lines, "%b", true);
  EXPECT_EQ(inputs.bytes, 448 + 128);
  EXPECT_EQ(inputs.reason, "the inputs lie in the arena before the first step");
  const BudgetFloor outputs = floor_of(lines, "%a, %b, %c", true);
  EXPECT_EQ(outputs.bytes, 448 + 128 + 128);
  EXPECT_EQ(outputs.reason, "the outputs lie in the arena after the last step");
  EXPECT_EQ(floor_of(lines, "%a, %b, %c", false).bytes, 0) << "the caller has them";
}

}  // namespace
}  // namespace memopt
