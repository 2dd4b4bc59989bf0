// What the budget may do to a graph to lower its peak: each move is one rewrite, or one kernel to
// do without. Moves name values and nodes of the *base* graph, whose ids every rewrite keeps.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "compiler/ir/graph.h"
#include "passes/transform/rematerialize.h"
#include "passes/transform/tile.h"

namespace memopt {

// The node that makes the value of this name runs with another kernel.
struct AvoidKernel {
  std::string result;
  std::string kernel;
};

using Move = std::variant<TileRegion, Rematerialization, AvoidKernel>;

// The switches of the techniques, as --disable names them.
struct BudgetTechniques {
  bool tile = true;
  bool micro_batch = true;
  bool rematerialize = true;
  bool small_scratch = true;
  bool any() const { return tile || micro_batch || rematerialize || small_scratch; }
};

std::string_view technique_name(const Move& move);  // "tile", "micro_batch", ...
// "tile 'y' from 'x' in 8 bands along axis 2"
std::string describe(const Graph& base, const Move& move);

// A base graph with moves applied, in order.
struct MovedGraph {
  Graph graph;
  // Per node of `graph`: the move that made it; nullopt for nodes of the base.
  std::vector<std::optional<size_t>> made_by;
  // Per value of the base: what is read in its place now.
  std::vector<ValueId> current;
  std::vector<std::pair<std::string, std::string>> avoided_kernels;  // result, kernel
};

// The move with values of the moved graph replaced by those of the base that they stand for;
// nullopt where one stands for none, because a move has made it for itself.
std::optional<Move> in_terms_of_base(const MovedGraph& moved, const Move& move);

// kBadInput where a move does not apply, e.g. because another one has removed its nodes.
Result<MovedGraph> apply_moves(const Graph& base, const std::vector<Move>& moves);

}  // namespace memopt
