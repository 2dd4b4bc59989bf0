#include "passes/transform/tile_plan.h"

#include <algorithm>
#include <limits>
#include <string>

#include "compiler/ir/builder.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

std::string describe(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::string result = "?";
  for (const ValueId output : node.outputs) {
    if (output) {
      result = graph.value(output).name;
      break;
    }
  }
  return "node '" + node.name + "' (" + op_label(node.op) + ", computes '" + result + "')";
}

Interval hull(Interval a, Interval b) {
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

int64_t add_saturated(int64_t a, int64_t b) {
  return checked_add(a, b).value_or(std::numeric_limits<int64_t>::max());
}

class TilePlanner {
 public:
  TilePlanner(const Graph& graph, const TileRegion& region)
      : graph_(graph),
        region_(region),
        is_input_(graph, false),
        in_region_(graph, false),
        needs_whole_(graph),
        needed_(graph) {}

  Result<TilePlan> run() {
    MEMOPT_RETURN_IF_ERROR(check_request());
    MEMOPT_RETURN_IF_ERROR(find_region());
    ask_for_output();
    const std::vector<NodeId> order(graph_.order().begin(), graph_.order().end());
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      if (in_region_[*it]) MEMOPT_RETURN_IF_ERROR(visit(*it));
    }
    find_staying();
    std::reverse(plan_.nodes.begin(), plan_.nodes.end());
    return std::move(plan_);
  }

 private:
  // The rows of a value that each band needs, all along one axis; none for a band that needs
  // nothing of it.
  struct Need {
    int axis = 0;
    std::vector<std::optional<Interval>> rows;
  };

  Status check_request() {
    if (!region_.output || graph_.value(region_.output).kind != ValueKind::kResult) {
      return bad_input("the output of a tiled region must be computed by a node");
    }
    const Value& output = graph_.value(region_.output);
    const Dims& dims = output.type.dims;
    if (region_.axis < 0 || region_.axis >= dims.rank()) {
      return bad_input("'" + output.name + "' has no axis " + std::to_string(region_.axis));
    }
    const int64_t extent = dims[static_cast<int>(region_.axis)];
    if (region_.bands < 2 || region_.bands > extent) {
      return bad_input("bands of '" + output.name + "': needed 2 to " + std::to_string(extent) +
                       " (its extent along axis " + std::to_string(region_.axis) + "), found " +
                       std::to_string(region_.bands));
    }
    for (const ValueId input : region_.inputs) {
      if (input == region_.output) return bad_input("'" + output.name + "' is input and output");
      is_input_[input] = true;
    }
    return {};
  }

  // Nodes from the output back to the inputs. An input may depend on one of them: then that node
  // stays, and the bands compute it again.
  Status find_region() {
    ValueMap<bool> wanted(graph_, false);
    wanted[region_.output] = true;
    for (auto it = graph_.order().rbegin(); it != graph_.order().rend(); ++it) {
      const Node& node = graph_.node(*it);
      bool is_wanted = false;
      for (const ValueId output : node.outputs) {
        if (!output) continue;
        is_wanted = is_wanted || (wanted[output] && !is_input_[output]);
      }
      in_region_[*it] = is_wanted;
      for (const ValueId input : node.inputs) {
        if (!input) continue;
        if (!is_wanted) continue;
        wanted[input] = true;
        if (graph_.value(input).kind == ValueKind::kInput && !is_input_[input]) {
          return bad_input(describe(graph_, *it) + ": its operand '" + graph_.value(input).name +
                           "' is not among the inputs of the region");
        }
      }
    }
    return {};
  }

  void ask_for_output() {
    const auto axis = static_cast<int>(region_.axis);
    const int64_t extent = graph_.type(region_.output).dims[axis];
    for (int64_t k = 0; k < region_.bands; ++k) {
      ask(region_.output, {axis, band_rows(extent, region_.bands, k)}, k);
    }
  }

  // False where the value is needed along another axis already.
  bool ask(ValueId value, const AxisRange& part, int64_t band) {
    std::optional<Need>& need = needed_[value];
    if (!need) {
      need =
          Need{part.axis, std::vector<std::optional<Interval>>(static_cast<size_t>(region_.bands))};
    }
    auto& rows = need->rows[static_cast<size_t>(band)];
    rows = rows ? hull(*rows, part.rows) : part.rows;
    return need->axis == part.axis;
  }

  Status visit(NodeId id) {
    const Node& node = graph_.node(id);
    NodeId whole_reader;
    const Need* need = nullptr;
    for (const ValueId output : node.outputs) {
      if (!output) continue;
      if (needs_whole_[output]) whole_reader = needs_whole_[output];
      if (!needed_[output]) continue;
      if (need && need->axis != needed_[output]->axis) {
        return bad_input(describe(graph_, id) + ": its results are needed along two axes");
      }
      need = &*needed_[output];
    }
    if (whole_reader && need) {
      return bad_input(describe(graph_, whole_reader) + " needs all rows of the result of " +
                       describe(graph_, id) + ", which other nodes of the region take in bands");
    }
    if (!whole_reader) return visit_bands(id, need->axis);
    for (const ValueId input : node.inputs) {
      if (input) needs_whole_[input] = id;
    }
    return {};
  }

  Status visit_bands(NodeId id, int axis) {
    const Node& node = graph_.node(id);
    const auto types = types_of(graph_, node.inputs);
    auto results = infer_types(node.op, types);
    if (!results.ok()) return in_context(describe(graph_, id), results.error());
    TiledNode tiled{.node = id, .bands = rows_at_hand(node), .axis = axis, .stays = false};
    for (int64_t k = 0; k < region_.bands; ++k) {
      TiledNode::Band& band = tiled.bands[static_cast<size_t>(k)];
      if (k > 0 && band.fresh.count() == 0) continue;
      band.computes = band_of(node.op, types, *results, axis, band.fresh);
      if (!band.computes || !makes_all(node, *band.computes)) {
        return bad_input(describe(graph_, id) + " cannot be computed in bands along axis " +
                         std::to_string(axis) + " of its result");
      }
      MEMOPT_RETURN_IF_ERROR(ask_for_operands(id, *band.computes, k));
    }
    add_cost(node, *results, tiled);
    plan_.nodes.push_back(std::move(tiled));
    return {};
  }

  // Per band the rows of the node's results that there are, and those that the band makes.
  std::vector<TiledNode::Band> rows_at_hand(const Node& node) const {
    const auto count = static_cast<size_t>(region_.bands);
    std::vector<TiledNode::Band> bands(count);
    for (size_t k = 0; k < count; ++k) {
      bands[k].rows = bands[k].fresh = needed_rows(node, static_cast<int64_t>(k));
    }
    if (region_.overlap == Overlap::kRecompute) return bands;
    // The first row that this band or a later one needs.
    std::vector<int64_t> first(count + 1, std::numeric_limits<int64_t>::max());
    for (size_t k = count; k-- > 0;) {
      first[k] =
          bands[k].rows.count() > 0 ? std::min(first[k + 1], bands[k].rows.begin) : first[k + 1];
    }
    for (size_t k = 1; k < count; ++k) {
      const Interval before = bands[k - 1].rows;
      TiledNode::Band& band = bands[k];
      if (band.rows.count() == 0) band.rows = {before.end, before.end};
      band.fresh = fresh_rows(before, band.rows);
      // Rows at hand stay as long as a later band needs them.
      const int64_t kept = std::clamp(first[k], before.begin, before.end);
      if (band.fresh.begin == before.end) band.rows.begin = std::min(band.rows.begin, kept);
      if (band.fresh.count() == 0) band.rows = before;
    }
    return bands;
  }

  Interval needed_rows(const Node& node, int64_t band) const {
    std::optional<Interval> rows;
    for (const ValueId output : node.outputs) {
      if (!output || !needed_[output]) continue;
      const auto& own = needed_[output]->rows[static_cast<size_t>(band)];
      if (own) rows = rows ? hull(*rows, *own) : *own;
    }
    return rows.value_or(Interval{});
  }

  // Every result that is needed is one that the band makes.
  bool makes_all(const Node& node, const OpBand& band) const {
    for (size_t i = static_cast<size_t>(band.outputs); i < node.outputs.size(); ++i) {
      if (node.outputs[i] && needed_[node.outputs[i]]) return false;
    }
    return true;
  }

  Status ask_for_operands(NodeId id, const OpBand& band, int64_t k) {
    const Node& node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (!input) continue;
      if (!band.inputs[i]) {
        needs_whole_[input] = id;
      } else if (!ask(input, *band.inputs[i], k)) {
        return bad_input(describe(graph_, id) + ": its operand '" + graph_.value(input).name +
                         "' is needed along two axes");
      }
    }
    return {};
  }

  void add_cost(const Node& node, const std::vector<TensorType>& results, const TiledNode& tiled) {
    const auto& operations = op_def(node.op).operations;
    if (!operations) return;
    const auto types = types_of(graph_, node.inputs);
    plan_.cost.operations_before =
        add_saturated(plan_.cost.operations_before, operations(node.op, types, results));
    for (const TiledNode::Band& tiled_band : tiled.bands) {
      if (!tiled_band.computes) continue;
      const OpBand& band = *tiled_band.computes;
      std::vector<TensorType> parts(types.size());
      std::vector<const TensorType*> pointers(types.size(), nullptr);
      for (size_t i = 0; i < types.size(); ++i) {
        if (!types[i]) continue;
        parts[i] = part_type(*types[i], band.inputs[i]);
        pointers[i] = &parts[i];
      }
      std::vector<TensorType> outputs;
      outputs.reserve(results.size());
      for (const TensorType& result : results) {
        outputs.push_back(outputs.size() < static_cast<size_t>(band.outputs)
                              ? part_type(result, AxisRange{tiled.axis, band.rows})
                              : result);
      }
      plan_.cost.operations_after =
          add_saturated(plan_.cost.operations_after, operations(band.op, pointers, outputs));
    }
  }

  // Who is read from outside of the region, or by a node that stays for that reason. Consumers come
  // first in plan_.nodes.
  void find_staying() {
    NodeMap<bool> goes(graph_, false);
    for (TiledNode& tiled : plan_.nodes) {
      const Node& node = graph_.node(tiled.node);
      for (const ValueId output : node.outputs) {
        if (!output || output == region_.output) continue;
        tiled.stays = tiled.stays || graph_.is_output(output);
        for (const Use& use : graph_.uses(output)) tiled.stays = tiled.stays || !goes[use.node];
      }
      goes[tiled.node] = !tiled.stays;
      const auto& operations = op_def(node.op).operations;
      if (!tiled.stays || !operations) continue;
      const auto types = types_of(graph_, node.inputs);
      const auto results = infer_types(node.op, types);
      plan_.cost.operations_after =
          add_saturated(plan_.cost.operations_after, operations(node.op, types, *results));
    }
  }

  const Graph& graph_;
  const TileRegion& region_;
  ValueMap<bool> is_input_;
  NodeMap<bool> in_region_;
  ValueMap<NodeId> needs_whole_;  // a node that needs all of the value, if there is one
  ValueMap<std::optional<Need>> needed_;
  TilePlan plan_;  // its nodes last first
};

}  // namespace

Interval band_rows(int64_t extent, int64_t bands, int64_t k) {
  const int64_t each = extent / bands;
  const int64_t longer = extent % bands;  // so many bands have a row more, the first ones
  const int64_t begin = k * each + std::min(k, longer);
  return {begin, begin + each + (k < longer ? 1 : 0)};
}

Interval fresh_rows(Interval at_hand, Interval needed) {
  if (needed.begin < at_hand.begin || needed.begin > at_hand.end) return needed;
  return {at_hand.end, std::max(at_hand.end, needed.end)};
}

Result<TilePlan> plan_tiles(const Graph& graph, const TileRegion& region) {
  return TilePlanner(graph, region).run();
}

Status check_tile(const Graph& graph, const TileRegion& region) {
  auto plan = plan_tiles(graph, region);
  return plan.ok() ? Status() : Status(plan.error());
}

Result<TileResult> price_tile(const Graph& graph, const TileRegion& region) {
  MEMOPT_ASSIGN_OR_RETURN(const TilePlan plan, plan_tiles(graph, region));
  return plan.cost;
}

}  // namespace memopt
