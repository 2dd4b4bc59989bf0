#include "passes/transform/tile.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "passes/transform/tile_plan.h"
#include "passes/transform/transforms.h"
#include "runtime/base/check.h"

namespace memopt {
namespace {

// Puts a plan into practice.
class Tiler {
 public:
  Tiler(Graph& graph, const TileRegion& region, const TilePlan& plan)
      : graph_(graph), region_(region), plan_(plan) {}

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
    parts_.clear();
    slices_.clear();
    suffix_ = '#' + std::to_string(k);
    for (const TiledNode& tiled : plan_.nodes) {
      add_node(tiled, tiled.bands[static_cast<size_t>(k)]);
    }
    const auto axis = static_cast<int>(region_.axis);
    return rows_of(region_.output, {axis, output_rows(k)});
  }

  Interval output_rows(int64_t k) const {
    const int64_t extent = graph_.type(region_.output).dims[static_cast<int>(region_.axis)];
    return band_rows(extent, region_.bands, k);
  }

  void add_node(const TiledNode& tiled, const OpBand& band) {
    const Node node = graph_.node(tiled.node);
    std::vector<ValueId> inputs;
    std::vector<const TensorType*> types;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      const bool is_part = input && band.inputs[i];
      inputs.push_back(is_part ? rows_of(input, *band.inputs[i]) : input);
    }
    types.reserve(inputs.size());
    for (const ValueId input : inputs) types.push_back(input ? &graph_.type(input) : nullptr);
    const auto results = infer_types(band.op, types);
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
      if (output) parts_[node.outputs[i]] = {output, {tiled.axis, band.rows}};
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
  // Of the band that is being added.
  std::string suffix_;
  std::map<ValueId, Part> parts_;
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
  TileRegion region{.output = {}, .inputs = {}, .axis = request.axis, .bands = request.bands};
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
                                          "': needed OUTPUT=INPUT[,INPUT...]:AXIS:BANDS"};
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
  TileRequest request{
      .output = std::string(text.substr(0, equals)), .inputs = {}, .axis = *axis, .bands = *bands};
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
