#include "passes/transform/tile.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "compiler/ir/builder.h"
#include "passes/transform/tile_plan.h"
#include "passes/transform/transforms.h"
#include "runtime/base/check.h"

namespace memopt {
namespace {

// Puts a plan into practice.
class Tiler {
 public:
  Tiler(Graph& graph, const TileRegion& region, const TilePlan& plan)
      : graph_(graph), region_(region), plan_(plan), last_reads_(plan.nodes.size()) {
    std::map<NodeId, size_t> last_reader;
    for (size_t i = 0; i < plan.nodes.size(); ++i) {
      for (const ValueId input : graph.node(plan.nodes[i].node).inputs) {
        if (input && graph.value(input).kind == ValueKind::kResult) {
          last_reader[graph.value(input).producer] = i;
        }
      }
    }
    for (size_t i = 0; i < plan.nodes.size(); ++i) {
      const auto reader = last_reader.find(plan.nodes[i].node);
      if (reader != last_reader.end()) last_reads_[reader->second].push_back(i);
    }
  }

  void run() {
    const size_t old_count = graph_.order().size();
    std::vector<ValueId> results;
    for (int64_t k = 0; k < region_.bands; ++k) results.push_back(add_band(k));
    const Value output = graph_.value(region_.output);
    const std::string name = graph_.node(output.producer).name;
    const ValueId joined =
        graph_.add_simple(Concat{region_.axis}, results, output.type, output.name, name);
    // Everything that the bands read is computed before the output was.
    std::vector<NodeId> order(graph_.order().begin(), graph_.order().end());
    const auto position = std::find(order.begin(), order.end(), output.producer);
    std::rotate(position, order.begin() + static_cast<ptrdiff_t>(old_count), order.end());
    graph_.set_order(std::move(order));
    graph_.replace_uses(region_.output, joined);
    graph_.rename(region_.output, graph_.unique_name(output.name + "_whole"));
    graph_.rename(joined, output.name);
    for (auto it = plan_.nodes.rbegin(); it != plan_.nodes.rend(); ++it) {
      if (!it->stays) graph_.erase(it->node);
    }
  }

 private:
  struct Part {
    ValueId value;
    AxisRange range;  // of the original value
  };

  // Copies the nodes for band `k`; the rows of the output.
  ValueId add_band(int64_t k) {
    suffix_ = '#' + std::to_string(k);
    if (region_.overlap == Overlap::kRecompute) parts_.clear();
    slices_.clear();
    for (size_t i = 0; i < plan_.nodes.size(); ++i) {
      const TiledNode::Band& band = plan_.nodes[i].bands[static_cast<size_t>(k)];
      if (band.computes) add_node(plan_.nodes[i], band);
      if (region_.overlap == Overlap::kRecompute || k + 1 == region_.bands) continue;
      for (const size_t maker : last_reads_[i]) {
        keep_rows(plan_.nodes[maker], static_cast<size_t>(k) + 1);
      }
    }
    const auto axis = static_cast<int>(region_.axis);
    return rows_of(region_.output, {axis, output_rows(k)});
  }

  Interval output_rows(int64_t k) const {
    const int64_t extent = graph_.type(region_.output).dims[static_cast<int>(region_.axis)];
    return band_rows(extent, region_.bands, k);
  }

  // The rows that are at hand and that band `k`, the next one, needs, in bytes of their own: the
  // others are free.
  void keep_rows(const TiledNode& tiled, size_t k) {
    const TiledNode::Band& band = tiled.bands[k];
    if (!band.computes || band.rows.begin >= band.fresh.begin) return;
    const auto outputs = graph_.node(tiled.node).outputs;  // nodes move when others are added
    for (const ValueId output : outputs) {
      if (!output || !parts_.contains(output)) continue;
      const AxisRange range{tiled.axis, {band.rows.begin, band.fresh.begin}};
      kept_[output] = add_copy(rows_of(output, range), part_name(output) + "_kept");
    }
  }

  std::string part_name(ValueId value) const { return graph_.value(value).name + suffix_; }

  ValueId add_copy(ValueId value, const std::string& name) {
    return graph_.add_simple(Copy{}, {{value}}, graph_.type(value), name, name);
  }

  // What a band has made of a value, behind the rows that it kept. These are copied once more, to
  // where all lie together, so that they take no more room than their own while they wait.
  Part join(ValueId value, const Part& made, const TiledNode::Band& band) {
    const auto kept = kept_.find(value);
    if (kept == kept_.end()) return made;
    const int axis = made.range.axis;
    const ValueId head = add_copy(kept->second, part_name(value) + "_head");
    kept_.erase(kept);
    const ValueId fresh = rows_of(value, {axis, band.fresh});
    TensorType type = graph_.type(value);
    type.dims[axis] = band.rows.count();
    const std::string name = part_name(value) + "_joined";
    return {graph_.add_simple(Concat{axis}, {{head, fresh}}, type, name, name), {axis, band.rows}};
  }

  void add_node(const TiledNode& tiled, const TiledNode::Band& tiled_band) {
    const Node node = graph_.node(tiled.node);
    const OpBand& band = *tiled_band.computes;
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      const bool is_part = input && band.inputs[i];
      inputs.push_back(is_part ? rows_of(input, *band.inputs[i]) : input);
    }
    const auto results = infer_results(graph_, band.op, inputs);
    MEMOPT_CHECK(results.ok());
    std::vector<Value> outputs(node.outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!node.outputs[i] || i >= static_cast<size_t>(band.outputs)) continue;
      outputs[i].name = graph_.unique_name(graph_.value(node.outputs[i]).name + suffix_);
      outputs[i].type = (*results)[i];
    }
    const NodeId id = graph_.add_node(band.op, inputs, outputs, node.name + suffix_);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const ValueId output = graph_.node(id).outputs[i];
      if (!output) continue;
      Part& part = parts_[node.outputs[i]];
      part = {output, {tiled.axis, band.rows}};
      part = join(node.outputs[i], part, tiled_band);
    }
  }

  // These rows of a value: of the band's own result, else of the value itself.
  ValueId rows_of(ValueId value, const AxisRange& range) {
    const auto made = parts_.find(value);
    const Part whole{value, {range.axis, {0, graph_.type(value).dims[range.axis]}}};
    const Part& from = made == parts_.end() ? whole : made->second;
    if (from.range == range) return from.value;
    const auto [entry, inserted] =
        slices_.try_emplace({value, range.axis, range.rows.begin, range.rows.end});
    if (inserted) entry->second = add_slice(from, range, graph_.value(value).name);
    return entry->second;
  }

  ValueId add_slice(const Part& from, const AxisRange& range, const std::string& name) {
    TensorType type = graph_.type(from.value);
    const auto rank = static_cast<size_t>(type.dims.rank());
    type.dims[range.axis] = range.rows.count();
    Slice slice{.starts = std::vector<int64_t>(rank, 0),
                .sizes = {type.dims.begin(), type.dims.end()},
                .steps = std::vector<int64_t>(rank, 1)};
    slice.starts[static_cast<size_t>(range.axis)] = range.rows.begin - from.range.rows.begin;
    return graph_.add_simple(std::move(slice), {{from.value}}, type, name + suffix_ + "_rows", "");
  }

  Graph& graph_;
  const TileRegion& region_;
  const TilePlan& plan_;
  // Per node of the plan: those whose results no later node of a band reads.
  std::vector<std::vector<size_t>> last_reads_;
  // Of the band that is being added.
  std::string suffix_;
  std::map<ValueId, Part> parts_;    // original value -> what there is of it
  std::map<ValueId, ValueId> kept_;  // original value -> its rows for the next band
  std::map<std::tuple<ValueId, int, int64_t, int64_t>, ValueId> slices_;
};

std::optional<int64_t> parse_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<TileResult> tile_region(Graph& graph, const TileRegion& region) {
  MEMOPT_ASSIGN_OR_RETURN(const TilePlan plan, plan_tiles(graph, region));
  Tiler(graph, region, plan).run();
  return plan.cost;
}

Result<TileRegion> find_region(const Graph& graph, const TileRequest& request) {
  TileRegion region{.output = {},
                    .inputs = {},
                    .axis = request.axis,
                    .bands = request.bands,
                    .overlap = request.overlap};
  const auto find = [&](const std::string& name) -> Result<ValueId> {
    if (const auto id = graph.find(name)) return *id;
    return bad_input("no value '" + name + "' in the optimized graph");
  };
  MEMOPT_ASSIGN_OR_RETURN(region.output, find(request.output));
  for (const std::string& name : request.inputs) {
    MEMOPT_ASSIGN_OR_RETURN(const ValueId input, find(name));
    region.inputs.push_back(input);
  }
  return region;
}

Result<TileRequest> parse_tile(std::string_view text) {
  const Error malformed{Code::kUsage, "malformed tiling '" + std::string(text) +
                                          "': needed OUTPUT=INPUT[,INPUT...]:AXIS:BANDS[:keep]"};
  constexpr std::string_view kKeepSuffix = ":keep";
  const Overlap overlap = text.ends_with(kKeepSuffix) ? Overlap::kKeep : Overlap::kRecompute;
  if (overlap == Overlap::kKeep) text.remove_suffix(kKeepSuffix.size());
  const size_t last = text.rfind(':');
  const size_t middle =
      last == std::string_view::npos || last == 0 ? last : text.rfind(':', last - 1);
  const size_t equals = text.find('=');
  if (middle == std::string_view::npos || equals == std::string_view::npos || equals == 0 ||
      last == 0 || equals + 1 >= middle) {
    return malformed;
  }
  const auto axis = parse_number(text.substr(middle + 1, last - middle - 1));
  const auto bands = parse_number(text.substr(last + 1));
  if (!axis || !bands) return malformed;
  TileRequest request{.output = std::string(text.substr(0, equals)),
                      .inputs = {},
                      .axis = *axis,
                      .bands = *bands,
                      .overlap = overlap};
  std::string_view inputs = text.substr(equals + 1, middle - equals - 1);
  while (true) {
    const size_t comma = inputs.find(',');
    request.inputs.emplace_back(inputs.substr(0, comma));
    if (request.inputs.back().empty()) return malformed;
    if (comma == std::string_view::npos) return request;
    inputs.remove_prefix(comma + 1);
  }
}

Result<bool> tile(Graph& graph, const PassOptions& options) {
  for (const TileRequest& request : options.tiles) {
    MEMOPT_ASSIGN_OR_RETURN(const TileRegion region, find_region(graph, request));
    MEMOPT_RETURN_IF_ERROR(tile_region(graph, region));
  }
  return !options.tiles.empty();
}

}  // namespace memopt
