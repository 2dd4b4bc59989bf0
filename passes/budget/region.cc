#include "passes/budget/region.h"

#include <algorithm>
#include <set>

#include "compiler/ir/builder.h"
#include "passes/transform/tile_plan.h"
#include "runtime/base/checked.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// Nodes of the region that disappear when it is tiled: those whose results only others of them, or
// the region's output, need.
std::set<NodeId> removed_nodes(const Graph& graph, const Region& region) {
  std::set<NodeId> removed;
  for (auto it = region.nodes.rbegin(); it != region.nodes.rend(); ++it) {
    bool needed = false;
    for (const ValueId output : graph.node(*it).outputs) {
      if (!output || output == region.output) continue;
      needed = needed || graph.is_output(output);
      for (const Use& use : graph.uses(output)) needed = needed || !removed.contains(use.node);
    }
    if (!needed) removed.insert(*it);
  }
  return removed;
}

// The rows that one band needs of everything in the region, found backward from its rows of the
// output; bytes and time follow. With `before`, it keeps the rows that the band before it shares.
class Band {
 public:
  Band(const Neighbourhood& around, const Region& region, int axis, Interval rows,
       const Band* before = nullptr)
      : around_(around),
        graph_(around.graph),
        region_(region),
        axis_(axis),
        before_(before),
        rows_(around.graph),
        kept_bytes_(around.graph, 0),
        inside_(around.graph, false) {
    for (const NodeId id : region.nodes) inside_[id] = true;
    rows_[region.output] = rows;
  }

  bool find_rows() {
    for (auto it = region_.nodes.rbegin(); it != region_.nodes.rend(); ++it) {
      if (!find_rows_of(*it)) return false;
    }
    return true;
  }

  double ns() const { return ns_; }

  // Largest sum of bytes of the band's values; the output is written where it belongs.
  int64_t peak_bytes() const {
    int64_t live = 0, peak = 0;
    for (const NodeId id : region_.nodes) {
      for (const ValueId output : graph_.node(id).outputs) live += output ? kept_bytes_[output] : 0;
    }
    std::vector<size_t> uses_left(graph_.value_count(), 0);
    for (const NodeId id : region_.nodes) {
      for (const ValueId input : graph_.node(id).inputs) {
        if (is_inside(input)) ++uses_left[input.index()];
      }
    }
    for (const NodeId id : region_.nodes) {
      const Node& node = graph_.node(id);
      int64_t made = 0, joined = 0;
      for (const ValueId output : node.outputs) {
        if (!output || output == region_.output || !rows_[output]) continue;
        made += bytes_of(output);
        joined += kept_bytes_[output];
      }
      int64_t dying = 0, overwritten = 0, kept = 0;
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const ValueId input = node.inputs[i];
        if (!is_inside(input) || --uses_left[input.index()] > 0) continue;
        dying += bytes_of(input);
        kept += kept_bytes_[input];
        if (may_overwrite(node, i)) overwritten = std::max(overwritten, bytes_of(input));
      }
      // Rows are kept while the value that they are taken from is there.
      peak =
          std::max({peak, live + made - std::min(made, overwritten), live + made - joined + kept});
      live += made - joined + kept - dying;
    }
    return peak;
  }

 private:
  bool is_inside(ValueId id) const {
    if (!id || graph_.value(id).kind != ValueKind::kResult) return false;
    const bool is_input =
        std::find(region_.inputs.begin(), region_.inputs.end(), id) != region_.inputs.end();
    return !is_input && inside_[graph_.value(id).producer];
  }

  int64_t bytes_of(ValueId id) const {
    const TensorType part =
        part_type(graph_.type(id), AxisRange{.axis = axis_, .rows = *rows_[id]});
    return align_up(part.bytes(), kArenaAlignment);
  }

  // The kernels of element-wise operators and residual additions write over an operand of the same
  // shape.
  bool may_overwrite(const Node& node, size_t input) const {
    const bool is_window = op_def(node.op).layout == LayoutRule::kPrefersNhwc && input == 0;
    return !is_window && node.outputs[0] &&
           graph_.type(node.inputs[input]) == graph_.type(node.outputs[0]);
  }

  std::optional<Interval> rows_of(const Node& node) const {
    for (const ValueId output : node.outputs) {
      if (output && rows_[output]) return rows_[output];
    }
    return std::nullopt;
  }

  bool find_rows_of(NodeId id) {
    const Node& node = graph_.node(id);
    std::optional<Interval> asked;
    for (const ValueId output : node.outputs) {
      if (!output || !rows_[output]) continue;
      asked = asked ? Interval{std::min(asked->begin, rows_[output]->begin),
                               std::max(asked->end, rows_[output]->end)}
                    : rows_[output];
    }
    const std::optional<Interval> at_hand_before = before_ ? before_->rows_of(node) : std::nullopt;
    if (!asked) asked = at_hand_before;  // nothing new; what is there stays
    if (!asked) return false;
    Interval fresh = *asked;
    if (at_hand_before) {
      fresh = fresh_rows(*at_hand_before, *asked);
      for (const ValueId output : node.outputs) {
        if (!output || output == region_.output) continue;
        keep(output, *asked, fresh);
        rows_[output] = *asked;
      }
      if (fresh.count() == 0) return true;
    }
    const std::vector<const TensorType*> inputs = types_of(graph_, node.inputs);
    std::vector<TensorType> outputs;
    for (const ValueId output : node.outputs)
      outputs.push_back(output ? graph_.type(output) : TensorType{});
    const auto band = band_of(node.op, inputs, outputs, axis_, fresh);
    if (!band) return false;
    const Interval at_hand{std::min(asked->begin, band->rows.begin), band->rows.end};
    for (const ValueId output : node.outputs) {
      if (output && output != region_.output) rows_[output] = at_hand;
    }
    std::vector<TensorType> parts;
    for (size_t i = 0; i < inputs.size(); ++i) {
      parts.push_back(inputs[i] ? part_type(*inputs[i], band->inputs[i]) : TensorType{});
      if (!is_inside(node.inputs[i])) continue;
      if (!band->inputs[i] || band->inputs[i]->axis != axis_) return false;
      auto& rows = rows_[node.inputs[i]];
      const Interval& needed = band->inputs[i]->rows;
      rows = rows ? Interval{std::min(rows->begin, needed.begin), std::max(rows->end, needed.end)}
                  : needed;
    }
    add_time(id, *band, parts);
    return true;
  }

  // The rows of `asked` before the fresh ones: moved away and back.
  void keep(ValueId id, Interval asked, Interval fresh) {
    if (asked.begin >= fresh.begin) return;
    const Interval rows{asked.begin, fresh.begin};
    const TensorType part = part_type(graph_.type(id), AxisRange{.axis = axis_, .rows = rows});
    kept_bytes_[id] = align_up(part.bytes(), kArenaAlignment);
    ns_ += 2 * around_.copy_rate.predict_ns(step_work(Copy{}, {{&part}}, {{&part}}));
  }

  void add_time(NodeId id, const OpBand& band, const std::vector<TensorType>& parts) {
    const Node& node = graph_.node(id);
    std::vector<const TensorType*> inputs, outputs;
    std::vector<TensorType> results;
    for (size_t i = 0; i < parts.size(); ++i) {
      inputs.push_back(node.inputs[i] ? &parts[i] : nullptr);
    }
    for (const ValueId output : node.outputs) {
      results.push_back(output ? part_type(graph_.type(output), AxisRange{axis_, band.rows})
                               : TensorType{});
    }
    for (size_t i = 0; i < results.size(); ++i) {
      outputs.push_back(node.outputs[i] ? &results[i] : nullptr);
    }
    ns_ += around_.rate[id].predict_ns(step_work(band.op, inputs, outputs));
  }

  const Neighbourhood& around_;
  const Graph& graph_;
  const Region& region_;
  int axis_;
  const Band* before_;
  ValueMap<std::optional<Interval>> rows_;
  ValueMap<int64_t> kept_bytes_;  // of the rows kept from the band before
  NodeMap<bool> inside_;
  double ns_ = 0;
};

}  // namespace

int64_t outside_bytes(const Neighbourhood& around, const Region& region) {
  const Graph& graph = around.graph;
  const std::set<NodeId> removed = removed_nodes(graph, region);
  const int64_t now = around.position[region.nodes.back()];
  std::set<uint32_t> counted;
  int64_t bytes = 0;
  const auto count = [&](ValueId id) {
    if (counted.insert(around.group[id]).second) bytes += around.bytes[id];
  };
  count(region.output);
  for (const ValueId input : region.inputs) count(input);
  for (const ValueId id : around.values) {
    const Value& value = graph.value(id);
    if (value.kind == ValueKind::kResult && removed.contains(value.producer)) continue;
    if (around.begin[id] < now && around.end[id] > now) count(id);
  }
  return bytes;
}

std::optional<RegionEstimate> estimate_region(const Neighbourhood& around, const Region& region,
                                              int64_t outside_bytes, const Cut& cut) {
  const Graph& graph = around.graph;
  const int axis = static_cast<int>(cut.axis);
  const int64_t rows = graph.type(region.output).dims[axis];
  if (rows < cut.bands) return std::nullopt;
  // A band in the middle has overlap on both sides.
  const int64_t per_band = (rows + cut.bands - 1) / cut.bands;
  const int64_t begin = std::min(per_band * (cut.bands / 2), rows - per_band);
  const Interval before_rows{std::max<int64_t>(begin - per_band, 0), begin};
  const bool keeps = cut.overlap == Overlap::kKeep && before_rows.count() > 0;
  Band before(around, region, axis, before_rows);
  if (keeps && !before.find_rows()) return std::nullopt;
  Band band(around, region, axis, {begin, begin + per_band}, keeps ? &before : nullptr);
  if (!band.find_rows()) return std::nullopt;
  double before_ns = 0;
  for (const NodeId id : removed_nodes(graph, region)) {
    before_ns += around.rate[id].predict_ns(node_work(graph, id));
  }
  return RegionEstimate{.outside_bytes = outside_bytes,
                        .inside_bytes = band.peak_bytes(),
                        .extra_ns = band.ns() * static_cast<double>(cut.bands) - before_ns};
}

}  // namespace memopt
