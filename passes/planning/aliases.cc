#include "passes/planning/aliases.h"

#include <algorithm>

#include "compiler/ir/builder.h"
#include "passes/planning/state_order.h"
#include "passes/planning/states.h"
#include "passes/planning/storage.h"
#include "passes/planning/view_strides.h"
#include "runtime/kernels/operands.h"
#include "runtime/ops/op_def.h"
#include "runtime/plan/limits.h"

namespace memopt {
namespace {

int64_t dot(const Dims& a, const Dims& b) {
  int64_t sum = 0;
  for (int i = 0; i < a.rank(); ++i) sum += a[i] * b[i];
  return sum;
}

class AliasFinder {
 public:
  AliasFinder(const Graph& graph, const NodeMap<KernelChoice>& kernels,
              const BufferOptions& options, const std::vector<NodeId>& without)
      : graph_(graph),
        kernels_(kernels),
        options_(options),
        without_(without),
        aliases_{.placement = ValueMap<PlaceInRoot>(graph),
                 .elided = NodeMap<bool>(graph, false),
                 .destinations = {}},
        states_in_parts_(state_order(graph).in_parts),
        children_(graph),
        height_(graph, 0) {}

  Aliases run() {
    for (const ValueId id : live_values(graph_)) {
      const TensorType& type = graph_.type(id);
      aliases_.placement[id] = {.root = id,
                                .parent = {},
                                .whole = false,
                                .starts = {},
                                .offset_bytes = 0,
                                .strides = dense_strides(type.dims, type.layout)};
    }
    // Destinations first: a part that is written in place must be a root still.
    if (options_.destinations) {
      for (const NodeId id : graph_.order()) try_destinations(id);
    }
    if (options_.views) {
      for (const NodeId id : graph_.order()) try_views(id);
    }
    return std::move(aliases_);
  }

 private:
  // An output needs bytes that are its own: not those of an input, a constant or another output.
  bool may_be_view(ValueId result, ValueId of) const {
    if (!graph_.is_output(result)) return true;
    if (storage_of(graph_, options_.io_in_arena, result) != Storage::kArena) return false;
    const ValueId root = aliases_.placement[of].root;
    return graph_.value(root).kind == ValueKind::kResult && !graph_.is_output(root) &&
           !graph_.is_output(of);
  }

  // All of the parent (no starts), or a box of it.
  void make_alias(ValueId id, ValueId parent, bool whole, const Dims& starts, const Dims& strides) {
    const PlaceInRoot& above = aliases_.placement[parent];
    const int64_t elements = dot(starts, above.strides);
    aliases_.placement[id] = {
        .root = above.root,
        .parent = parent,
        .whole = whole,
        .starts = starts,
        .offset_bytes = above.offset_bytes + elements * dtype_bits(graph_.type(id).dtype) / 8,
        .strides = strides};
    // A box of a box is a box of what that is in, and all of all of a value is all of it: chains
    // stay short.
    if (above.parent && above.whole == whole) {
      for (int i = 0; i < starts.rank(); ++i) aliases_.placement[id].starts[i] += above.starts[i];
      aliases_.placement[id].parent = above.parent;
    }
    children_[aliases_.placement[id].parent].push_back(id);
  }

  // Links from the value to its root.
  size_t depth_of(ValueId id) const {
    size_t depth = 0;
    for (ValueId at = aliases_.placement[id].parent; at; at = aliases_.placement[at].parent) {
      ++depth;
    }
    return depth;
  }

  void try_views(NodeId id) {
    const Node& node = graph_.node(id);
    const bool whole = moves_whole(node);
    if (!whole && !op_def(node.op).view) return;
    // A plan holds no longer chain, so that this node runs, and begins another.
    if (depth_of(node.inputs[0]) >= kMaxPlanAliasDepth) return;
    whole ? try_whole(id) : try_boxes(id);
  }

  // The result may share the bytes of the operand, and has no other place yet.
  bool is_free_view(ValueId result, ValueId of) const {
    return !aliases_.placement[result].parent && may_be_view(result, of);
  }

  void try_whole(NodeId id) {
    const Node& node = graph_.node(id);
    const ValueId from = node.inputs[0], to = node.outputs[0];
    const auto strides = strides_after(graph_, node, aliases_.placement[from].strides);
    if (!strides || !is_free_view(to, from)) return;
    make_alias(to, from, true, {}, *strides);
    aliases_.elided[id] = true;
  }

  // All results are views, or the node runs.
  void try_boxes(NodeId id) {
    const Node& node = graph_.node(id);
    const ValueId from = node.inputs[0];
    const auto types = types_of(graph_, node.inputs);
    const Dims& strides = aliases_.placement[from].strides;
    std::vector<std::optional<Box>> boxes(node.outputs.size());
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (!node.outputs[i]) continue;
      const TensorType& out = graph_.type(node.outputs[i]);
      boxes[i] = op_def(node.op).view(node.op, types, static_cast<int>(i));
      // A view is a box of its parent in the coordinates of one layout.
      if (!boxes[i] || out.layout != graph_.type(from).layout || dtype_bits(out.dtype) < 8 ||
          !is_free_view(node.outputs[i], from) ||
          (!is_dense(out.dims, strides, out.layout) && !can_be_strided(node.outputs[i], strides))) {
        return;
      }
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i]) make_alias(node.outputs[i], from, false, boxes[i]->starts, strides);
    }
    aliases_.elided[id] = true;
  }

  // Whether the kernel of `id`, which runs, still works, and needs the same, with value `changed`
  // at these strides.
  bool kernel_accepts(NodeId id, ValueId changed, const Dims& strides) const {
    NodeOperands operands = placed_operands(graph_, aliases_, id);
    const Node& node = graph_.node(id);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == changed) operands.inputs[i].strides = strides;
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == changed) operands.outputs[i].strides = strides;
    }
    const KernelChoice& choice = kernels_[id];
    const KernelRequest request = operands.request(node.op, options_.target);
    if (!choice.kernel->supports(request) || !updates_states(id, request)) return false;
    if (!choice.kernel->needs) return true;
    const auto needs = choice.kernel->needs(request);
    return needs.ok() && needs->scratch_bytes == choice.needs.scratch_bytes;
  }

  // What the node overwrites of a state that it reads, it still can.
  bool updates_states(NodeId id, const KernelRequest& request) const {
    const Node& node = graph_.node(id);
    for (size_t o = 0; o < node.outputs.size(); ++o) {
      const ValueId old = node.outputs[o] ? old_value(graph_, node.outputs[o]) : ValueId::none();
      for (size_t i = 0; old && i < node.inputs.size(); ++i) {
        if (node.inputs[i] == old &&
            !kernels_[id].kernel->in_place(request, static_cast<int>(i), static_cast<int>(o))) {
          return false;
        }
      }
    }
    return true;
  }

  // Everyone who reads the value moves its elements to another layout, and can do so from there
  // (rows of a row-major image on their way to channels-last).
  bool can_be_strided(ValueId value, const Dims& strides) const {
    if (graph_.is_output(value)) return false;
    for (const Use& use : graph_.uses(value)) {
      if (op_def(graph_.node(use.node).op).layout != LayoutRule::kAny ||
          !kernel_accepts(use.node, value, strides)) {
        return false;
      }
    }
    return true;
  }

  bool is_free_result(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::kResult && !graph_.is_output(id) && value.type.bytes() > 0 &&
           !aliases_.placement[id].parent;
  }

  // Whether a free result may lie at these strides within another value; `reader` moves nothing
  // then. Its other nodes run: what an elided one reads is no longer free, and the whole of a
  // concatenation in place has children.
  bool can_be_inside(ValueId id, NodeId reader, const Dims& strides) const {
    const Value& value = graph_.value(id);
    if (is_dense(value.type.dims, strides, value.type.layout)) {
      // Its parts, if it is a concatenation itself, move along with it.
      return true;
    }
    if (!children_[id].empty() || !kernel_accepts(value.producer, id, strides)) return false;
    for (const Use& use : graph_.uses(id)) {
      if (use.node != reader && !kernel_accepts(use.node, id, strides)) return false;
    }
    return true;
  }

  // A value within another, and the values before it that become all of it.
  struct Link {
    ValueId value;
    Dims strides;
  };

  // A part of a concatenation, and before it what is only reshaped or transposed on the way: as far
  // back as the bytes can be written in place. Empty where not even the part can.
  std::vector<Link> links_to(ValueId part, NodeId concat, const Dims& strides) const {
    // A part is a box of the whole in the coordinates of one layout.
    const Layout layout = graph_.type(graph_.node(concat).outputs[0]).layout;
    if (graph_.type(part).layout != layout || !is_free_result(part)) return {};
    std::vector<Link> chain = {{part, strides}};
    size_t usable = can_be_inside(part, concat, strides) ? 1 : 0;
    while (graph_.has_single_use(chain.back().value)) {
      const NodeId view = graph_.value(chain.back().value).producer;
      const Node& node = graph_.node(view);
      const auto before = strides_before(graph_, node, chain.back().strides);
      if (!before || !is_free_result(node.inputs[0])) break;
      // The dimensions of a transposed or reordered value may be out of order there, which those of
      // no value of a plan are.
      const TensorType& type = graph_.type(node.inputs[0]);
      if (!follows_layout(type.dims, *before, type.layout)) break;
      chain.push_back({node.inputs[0], *before});
      if (can_be_inside(node.inputs[0], view, *before)) usable = chain.size();
    }
    chain.resize(usable);
    return chain;
  }

  void try_destinations(NodeId id) {
    const Node& node = graph_.node(id);
    const OpDef& def = op_def(node.op);
    if (!def.destination || std::binary_search(without_.begin(), without_.end(), id)) return;
    const ValueId whole = node.outputs[0];
    if (dtype_bits(graph_.type(whole).dtype) < 8) return;
    const Storage storage = storage_of(graph_, options_.io_in_arena, whole);
    const bool may_lie_there =
        storage == Storage::kArena ||
        (storage == Storage::kState && std::ranges::binary_search(states_in_parts_, id));
    if (!may_lie_there) return;
    const auto types = types_of(graph_, node.inputs);
    const Dims strides = aliases_.placement[whole].strides;
    std::vector<ValueId> sorted(node.inputs.begin(), node.inputs.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) return;
    std::vector<Box> boxes;
    std::vector<std::vector<Link>> parts;
    size_t height = 0;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const auto box = def.destination(node.op, types, static_cast<int>(i));
      if (!box) return;
      boxes.push_back(*box);
      parts.push_back(links_to(node.inputs[i], id, strides));
      if (parts.back().empty()) return;
      for (size_t k = 0; k < parts.back().size(); ++k) {
        height = std::max(height, height_[parts.back()[k].value] + k + 1);
      }
    }
    // Half of the longest chain is left to the views of what is joined.
    if (height > kMaxPlanAliasDepth / 2) return;
    height_[whole] = height;
    for (size_t i = 0; i < boxes.size(); ++i) {
      make_alias(node.inputs[i], whole, false, boxes[i].starts, strides);
      for (size_t k = 1; k < parts[i].size(); ++k) {
        const ValueId after = parts[i][k - 1].value;
        aliases_.elided[graph_.value(after).producer] = true;
        make_alias(parts[i][k].value, after, true, {}, parts[i][k].strides);
      }
      move_descendants(node.inputs[i]);
    }
    aliases_.elided[id] = true;
    aliases_.destinations.push_back(id);
  }

  // After `id` became an alias, the values inside it have a new root and offset.
  void move_descendants(ValueId id) {
    for (const ValueId child : children_[id]) {
      PlaceInRoot& placement = aliases_.placement[child];
      const PlaceInRoot& above = aliases_.placement[id];
      placement.root = above.root;
      placement.offset_bytes = above.offset_bytes + dot(placement.starts, above.strides) *
                                                        dtype_bits(graph_.type(child).dtype) / 8;
      move_descendants(child);
    }
  }

  const Graph& graph_;
  const NodeMap<KernelChoice>& kernels_;
  const BufferOptions& options_;
  const std::vector<NodeId>& without_;
  Aliases aliases_;
  const std::vector<NodeId> states_in_parts_;
  ValueMap<std::vector<ValueId>> children_;  // values whose parent it is
  ValueMap<size_t> height_;  // of a concatenation: links from the deepest of its parts
};

}  // namespace

Aliases find_aliases(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                     const BufferOptions& options, const std::vector<NodeId>& without) {
  return AliasFinder(graph, kernels, options, without).run();
}

NodeOperands placed_operands(const Graph& graph, const Aliases& aliases, NodeId id) {
  NodeOperands operands = node_operands(graph, id);
  const Node& node = graph.node(id);
  const auto place = [&](Operand& operand, ValueId value) {
    if (!value) return;
    const PlaceInRoot& placement = aliases.placement[value];
    const TensorType& type = graph.type(value);
    operand.layout = type.layout;
    operand.strides = placement.strides;
  };
  for (size_t i = 0; i < node.inputs.size(); ++i) place(operands.inputs[i], node.inputs[i]);
  for (size_t i = 0; i < node.outputs.size(); ++i) place(operands.outputs[i], node.outputs[i]);
  unify_layouts(operands.inputs, operands.outputs);
  return operands;
}

bool can_overwrite(const Graph& graph, const Aliases& aliases, const KernelChoice& choice,
                   const Target& target, NodeId id, size_t input, size_t output) {
  if (!choice.kernel->in_place) return false;
  const Node& node = graph.node(id);
  const ValueId from = node.inputs[input];
  const ValueId to = node.outputs[output];
  if (aliases.placement[to].parent) return false;
  const Value& root = graph.value(aliases.placement[from].root);
  if (root.kind == ValueKind::kConstant) return false;
  // Both own all of their bytes: what dies is what is born.
  if (graph.type(from).bytes() != graph.type(to).bytes() ||
      root.type.bytes() != graph.type(to).bytes()) {
    return false;
  }
  const NodeOperands operands = placed_operands(graph, aliases, id);
  const KernelRequest request = operands.request(node.op, target);
  const Operand& in = operands.inputs[input];
  const Operand& out = operands.outputs[output];
  if (in.dims != out.dims || in.strides != out.strides) return false;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    // Whatever else the node reads of these bytes is overwritten as well.
    if (!node.inputs[i] || aliases.placement[node.inputs[i]].root != aliases.placement[from].root)
      continue;
    if (!choice.kernel->in_place(request, static_cast<int>(i), static_cast<int>(output)))
      return false;
  }
  return true;
}

}  // namespace memopt
