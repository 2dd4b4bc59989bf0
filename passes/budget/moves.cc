#include "passes/budget/moves.h"

#include <map>

namespace memopt {
namespace {

class Applier {
 public:
  explicit Applier(const Graph& base)
      : moved_{.graph = base,
               .made_by = std::vector<std::optional<size_t>>(base.node_count()),
               .current = {},
               .avoided_kernels = {}} {
    for (size_t i = 0; i < base.value_count(); ++i) moved_.current.emplace_back(i);
  }

  Status apply(size_t index, const Move& move) {
    MEMOPT_RETURN_IF_ERROR(std::visit([this](const auto& what) { return apply(what); }, move));
    moved_.made_by.resize(moved_.graph.node_count(), index);
    return {};
  }

  MovedGraph take() { return std::move(moved_); }

 private:
  Status apply(const TileRegion& region) {
    TileRegion now = region;
    now.output = moved_.current[region.output.index()];
    for (ValueId& input : now.inputs) input = moved_.current[input.index()];
    MEMOPT_RETURN_IF_ERROR(check_nodes(now.inputs, now.output));
    const std::string name = moved_.graph.value(now.output).name;
    const auto tiled = tile_region(moved_.graph, now);
    if (!tiled.ok()) return tiled.error();
    moved_.current[region.output.index()] = *moved_.graph.find(name);
    return {};
  }

  Status apply(const Rematerialization& again) {
    Rematerialization now = again;
    now.value = moved_.current[again.value.index()];
    for (ValueId& input : now.inputs) input = moved_.current[input.index()];
    MEMOPT_RETURN_IF_ERROR(check_nodes(now.inputs, now.value));
    if (!is_alive(again.after)) return bad_input("a node of the move is gone");
    MEMOPT_ASSIGN_OR_RETURN(const std::vector<NodeId> copies, rematerialize(moved_.graph, now));
    if (copies.empty()) return bad_input("nothing reads the value later");
    return {};
  }

  Status apply(const AvoidKernel& avoid) {
    moved_.avoided_kernels.emplace_back(avoid.result, avoid.kernel);
    return {};
  }

  bool is_alive(NodeId id) const { return !moved_.graph.node(id).outputs.empty(); }

  // Regions may not reach into what another move has made.
  Status check_nodes(const std::vector<ValueId>& inputs, ValueId output) const {
    MEMOPT_ASSIGN_OR_RETURN(const std::vector<NodeId> nodes,
                            nodes_between(moved_.graph, inputs, output));
    for (const NodeId id : nodes) {
      if (id.index() < moved_.made_by.size() && moved_.made_by[id.index()]) {
        return bad_input("two moves overlap");
      }
    }
    return {};
  }

  MovedGraph moved_;
};

std::string quoted(const Graph& graph, ValueId id) { return '\'' + graph.value(id).name + '\''; }

std::string quoted(const Graph& graph, const std::vector<ValueId>& ids) {
  std::string text;
  for (const ValueId id : ids) text += (text.empty() ? "" : ", ") + quoted(graph, id);
  return text.empty() ? "constants" : text;
}

}  // namespace

std::string_view technique_name(const Move& move) {
  if (const auto* region = std::get_if<TileRegion>(&move)) {
    return region->axis == 0 ? "micro_batch" : "tile";
  }
  return std::holds_alternative<Rematerialization>(move) ? "rematerialize" : "small_scratch";
}

std::string describe(const Graph& base, const Move& move) {
  const std::string name(technique_name(move));
  if (const auto* region = std::get_if<TileRegion>(&move)) {
    return name + ' ' + quoted(base, region->output) + " from " + quoted(base, region->inputs) +
           " in " + std::to_string(region->bands) + " bands along axis " +
           std::to_string(region->axis) +
           (region->overlap == Overlap::kKeep ? ", overlaps kept" : "");
  }
  if (const auto* again = std::get_if<Rematerialization>(&move)) {
    return name + ' ' + quoted(base, again->value) + " from " + quoted(base, again->inputs);
  }
  const auto& avoid = std::get<AvoidKernel>(move);
  return name + " '" + avoid.result + "': without " + avoid.kernel;
}

std::optional<Move> in_terms_of_base(const MovedGraph& moved, const Move& move) {
  std::map<ValueId, ValueId> base_of;
  for (size_t i = 0; i < moved.current.size(); ++i) base_of.emplace(moved.current[i], i);
  bool known = true;
  const auto translate = [&](ValueId& id) {
    const auto found = base_of.find(id);
    known = known && found != base_of.end();
    if (found != base_of.end()) id = found->second;
  };
  Move result = move;
  if (auto* region = std::get_if<TileRegion>(&result)) {
    translate(region->output);
    for (ValueId& input : region->inputs) translate(input);
  } else if (auto* again = std::get_if<Rematerialization>(&result)) {
    translate(again->value);
    for (ValueId& input : again->inputs) translate(input);
  }
  return known ? std::optional(result) : std::nullopt;
}

Result<MovedGraph> apply_moves(const Graph& base, const std::vector<Move>& moves) {
  Applier applier(base);
  for (size_t i = 0; i < moves.size(); ++i) MEMOPT_RETURN_IF_ERROR(applier.apply(i, moves[i]));
  return applier.take();
}

}  // namespace memopt
