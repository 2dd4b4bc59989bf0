// Splits and slices that take a concatenation apart again read its parts instead. Detectors are
// full of this: each head joins boxes and classes, all heads are joined along another axis, then
// boxes and classes are split for good. Cutting the concatenation along another axis gives the
// concatenation of the cut parts, so the cut moves in front of it, and of the reshapes and
// transposes before it, until it meets the concatenation that it undoes.
#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/ir/builder.h"
#include "passes/transform/transforms.h"
#include "runtime/base/check.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// What a node takes of its operand, per result.
struct Cuts {
  int axis = 0;
  std::vector<Interval> rows;
};

// A split, or a slice with step 1 along one axis.
std::optional<Cuts> cuts_of(const Graph& graph, const Node& node) {
  if (const auto* split = std::get_if<Split>(&node.op)) {
    Cuts cuts{.axis = static_cast<int>(split->axis), .rows = {}};
    int64_t begin = 0;
    for (const int64_t size : split->sizes) {
      cuts.rows.push_back({begin, begin + size});
      begin += size;
    }
    return cuts;
  }
  const auto* slice = std::get_if<Slice>(&node.op);
  if (slice == nullptr) return std::nullopt;
  const Dims& dims = graph.type(node.inputs[0]).dims;
  std::optional<Cuts> cuts;
  for (int axis = 0; axis < dims.rank(); ++axis) {
    const auto at = static_cast<size_t>(axis);
    const Interval rows{slice->starts[at], slice->starts[at] + slice->sizes[at]};
    if (slice->steps[at] != 1) return std::nullopt;
    if (rows == Interval{0, dims[axis]}) continue;
    if (cuts) return std::nullopt;
    cuts = Cuts{.axis = axis, .rows = {rows}};
  }
  return cuts;
}

// Chains of more movements than this are left alone.
constexpr int kMaxDepth = 64;

class Cutter {
 public:
  explicit Cutter(Graph& graph) : graph_(graph) {}

  // Whether these rows are made of whole values by nodes that join, reshape or transpose.
  bool can_cut(ValueId id, const AxisRange& part, int depth = 0) {
    if (is_whole(id, part)) return true;
    const Node* node = movement(id);
    if (node == nullptr || part.rows.count() <= 0 || depth == kMaxDepth) return false;
    const auto [known, is_new] = can_cut_.try_emplace(key(id, part), false);
    if (!is_new) return known->second;
    const auto operands = operands_of(*node, part);
    const bool result =
        operands && std::all_of(operands->begin(), operands->end(), [&](const Operand& operand) {
          return can_cut(operand.value, operand.part, depth + 1);
        });
    can_cut_[key(id, part)] = result;
    return result;
  }

  // The rows, made by nodes in front of `before`; can_cut() is true.
  ValueId cut(ValueId id, const AxisRange& part, NodeId before) {
    if (is_whole(id, part)) return id;
    const auto made = made_.find(key(id, part));
    if (made != made_.end()) return made->second;
    const Node node = *movement(id);  // a copy: the graph grows
    std::vector<ValueId> inputs;
    const std::vector<Operand> operands = operands_of(node, part).value();
    inputs.reserve(operands.size());
    for (const Operand& operand : operands) {
      inputs.push_back(cut(operand.value, operand.part, before));
    }
    ValueId result = inputs[0];
    const bool is_piece = is_concat_along(node, part.axis) && inputs.size() == 1;
    if (!is_piece) {
      TensorType type = graph_.type(id);
      type.dims[part.axis] = part.rows.count();
      const Op op = is_concat_along(node, part.axis) ? node.op : band(node, part)->op;
      result = graph_.add_simple(op, inputs, type, graph_.value(id).name + "_cut", node.name);
      graph_.move_last_before(before);
    }
    made_[key(id, part)] = result;
    return result;
  }

 private:
  struct Operand {
    ValueId value;
    AxisRange part;
  };
  using Key = std::tuple<ValueId, int, int64_t, int64_t>;
  static Key key(ValueId id, const AxisRange& part) {
    return {id, part.axis, part.rows.begin, part.rows.end};
  }

  bool is_whole(ValueId id, const AxisRange& part) const {
    return part.rows == Interval{0, graph_.type(id).dims[part.axis]};
  }

  // The node that makes the value by moving bytes only.
  const Node* movement(ValueId id) const {
    const Value& value = graph_.value(id);
    if (value.kind != ValueKind::kResult) return nullptr;
    const Node& node = graph_.node(value.producer);
    const OpDef& def = op_def(node.op);
    return def.destination || def.reshapes || def.permutation ? &node : nullptr;
  }

  static bool is_concat_along(const Node& node, int axis) {
    const auto* concat = std::get_if<Concat>(&node.op);
    return concat != nullptr && concat->axis == axis;
  }

  std::optional<OpBand> band(const Node& node, const AxisRange& part) const {
    const std::vector<TensorType> outputs = {graph_.type(node.outputs[0])};
    return band_of(node.op, types_of(graph_, node.inputs), outputs, part.axis, part.rows);
  }

  // What these rows of the node's result are made of; nullopt where that is more than they need.
  std::optional<std::vector<Operand>> operands_of(const Node& node, const AxisRange& part) const {
    std::vector<Operand> operands;
    if (is_concat_along(node, part.axis)) {
      int64_t begin = 0;
      for (const ValueId input : node.inputs) {
        const int64_t end = begin + graph_.type(input).dims[part.axis];
        const Interval rows{std::max(part.rows.begin, begin) - begin,
                            std::min(part.rows.end, end) - begin};
        if (rows.count() > 0) operands.push_back({input, {part.axis, rows}});
        begin = end;
      }
      return operands;
    }
    const auto made = band(node, part);
    if (!made || made->rows != part.rows) return std::nullopt;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i] || !made->inputs[i]) return std::nullopt;
      operands.push_back({node.inputs[i], *made->inputs[i]});
    }
    return operands;
  }

  Graph& graph_;
  std::map<Key, bool> can_cut_;
  std::map<Key, ValueId> made_;
};

// Whether all of what reads the value can read parts instead: else it would stay, and its parts be
// moved twice.
bool is_taken_apart(const Graph& graph, Cutter& cutter, ValueId id) {
  if (graph.is_output(id) || graph.uses(id).empty()) return false;
  for (const Use& use : graph.uses(id)) {
    const Node& node = graph.node(use.node);
    const auto cuts = cuts_of(graph, node);
    // A result of the graph has bytes of its own.
    const bool is_output =
        std::any_of(node.outputs.begin(), node.outputs.end(),
                    [&](ValueId output) { return output && graph.is_output(output); });
    if (!cuts || is_output) return false;
    for (const Interval& rows : cuts->rows) {
      if (!cutter.can_cut(id, {cuts->axis, rows})) return false;
    }
  }
  return true;
}

}  // namespace

Result<bool> undo_concat(Graph& graph, const PassOptions&) {
  bool changed = false;
  const std::vector<NodeId> order(graph.order().begin(), graph.order().end());
  for (const NodeId id : order) {
    if (graph.node(id).outputs.size() != 1 || !graph.node(id).outputs[0]) continue;
    const ValueId whole = graph.node(id).outputs[0];
    Cutter cutter(graph);
    if (!is_taken_apart(graph, cutter, whole)) continue;
    const std::vector<Use> uses(graph.uses(whole).begin(), graph.uses(whole).end());
    for (const Use& use : uses) {
      const Node node = graph.node(use.node);
      const Cuts cuts = *cuts_of(graph, node);
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        if (!node.outputs[i]) continue;
        const AxisRange part{cuts.axis, cuts.rows[i]};
        graph.replace_uses(node.outputs[i], cutter.cut(whole, part, use.node));
      }
      graph.erase(use.node);
      changed = true;
    }
  }
  return changed;
}

}  // namespace memopt
