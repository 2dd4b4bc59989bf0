#include <algorithm>
#include <set>

#include "passes/budget/propose.h"

namespace memopt {
namespace {

// Effort: outputs tried behind the place, nodes of a region, and estimates in total.
constexpr size_t kMaxOutputs = 40;
constexpr size_t kMaxNodes = 96;
constexpr int kMaxEstimates = 4000;
// Bands of a region, and nodes that its bands have together: steps cost time too, and each
// candidate is planned.
constexpr int64_t kMaxBands = 32;
constexpr int64_t kMaxNodesOfBands = 800;

// How a region grows: across the largest of its inputs, or the one computed last.
enum class Growth { kLargest, kLatest };

class Proposer {
 public:
  Proposer(const Neighbourhood& around, NodeId place, int64_t target_bytes,
           const BudgetTechniques& techniques, Banding banding, StopToken stop)
      : around_(around),
        graph_(around.graph),
        place_(place),
        target_bytes_(target_bytes),
        techniques_(techniques),
        banding_(banding),
        stop_(stop) {}

  std::vector<Proposal> run() {
    for (const ValueId output : outputs_behind()) {
      for (const Growth growth : {Growth::kLargest, Growth::kLatest}) grow(output, growth);
    }
    return std::move(proposals_);
  }

 private:
  // Results of the place and of what follows from it, in the order of the graph.
  std::vector<ValueId> outputs_behind() const {
    std::vector<ValueId> outputs;
    std::set<NodeId> reached = {place_};
    for (const NodeId id : graph_.order()) {
      if (!reached.contains(id)) continue;
      const Node& node = graph_.node(id);
      for (const ValueId output : node.outputs) {
        if (!output) continue;
        for (const Use& use : graph_.uses(output)) reached.insert(use.node);
      }
      // Of a node with several results, one that is read alone.
      if (!around_.is_base_node(id) || !node.outputs[0]) continue;
      const bool has_others = std::any_of(node.outputs.begin() + 1, node.outputs.end(),
                                          [](ValueId output) { return bool{output}; });
      if (has_others) continue;
      outputs.push_back(node.outputs[0]);
      if (outputs.size() == kMaxOutputs) break;
    }
    return outputs;
  }

  bool can_take(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::kResult && around_.is_base_node(value.producer) &&
           graph_.node(value.producer).regions.empty() &&
           op_def(graph_.node(value.producer).op).band;
  }

  // Takes the producer of `id` into the region.
  void take(ValueId id, std::set<NodeId>& nodes, std::vector<ValueId>& inputs) const {
    std::erase(inputs, id);
    const NodeId producer = graph_.value(id).producer;
    if (!nodes.insert(producer).second) return;
    for (const ValueId input : graph_.node(producer).inputs) {
      if (!input || graph_.value(input).kind == ValueKind::kConstant) continue;
      if (std::find(inputs.begin(), inputs.end(), input) == inputs.end()) inputs.push_back(input);
    }
    // What the region computes already is no input of it.
    std::erase_if(inputs, [&](ValueId input) {
      const Value& value = graph_.value(input);
      return value.kind == ValueKind::kResult && nodes.contains(value.producer);
    });
  }

  std::optional<ValueId> next_to_take(const std::vector<ValueId>& inputs, Growth growth) const {
    std::optional<ValueId> best;
    const auto key = [&](ValueId id) {
      return growth == Growth::kLargest ? around_.bytes[id] : around_.begin[id];
    };
    for (const ValueId input : inputs) {
      if (can_take(input) && (!best || key(input) > key(*best))) best = input;
    }
    return best;
  }

  void grow(ValueId output, Growth growth) {
    std::set<NodeId> nodes;
    std::vector<ValueId> inputs;
    if (!can_take(output)) return;
    take(output, nodes, inputs);
    while (estimates_ < kMaxEstimates && !stop_.stopped()) {
      if (nodes.contains(place_) && seen_.emplace(output, inputs).second) {
        Region region{.output = output, .inputs = inputs, .nodes = {}};
        region.nodes.assign(nodes.begin(), nodes.end());
        std::sort(region.nodes.begin(), region.nodes.end(),
                  [&](NodeId a, NodeId b) { return around_.position[a] < around_.position[b]; });
        if (!consider(region)) return;
      }
      const auto next = next_to_take(inputs, growth);
      if (!next || nodes.size() >= kMaxNodes) return;
      take(*next, nodes, inputs);
    }
  }

  // False where no larger region with this output can be split either.
  bool consider(const Region& region) {
    const int64_t outside = outside_bytes(around_, region);
    const TensorType& type = graph_.type(region.output);
    bool can_split = false;
    if (techniques_.micro_batch && type.dims.rank() > 0 && type.dims[0] > 1) {
      can_split = consider(region, outside, 0, Overlap::kRecompute) || can_split;
    }
    if (techniques_.tile && type.dims.rank() > 2 && type.dims[0] == 1) {
      can_split = consider(region, outside, 2, Overlap::kRecompute) || can_split;
      if (banding_ == Banding::kKeeping) consider(region, outside, 2, Overlap::kKeep);
    }
    return can_split;
  }

  bool consider(const Region& region, int64_t outside, int64_t axis, Overlap overlap) {
    if (outside >= target_bytes_) return true;  // a larger one may have smaller inputs
    const int64_t rows = graph_.type(region.output).dims[static_cast<int>(axis)];
    const int64_t most =
        std::min({rows, kMaxBands, kMaxNodesOfBands / static_cast<int64_t>(region.nodes.size())});
    for (int64_t bands = 2; bands <= most; bands = next_bands(bands, most)) {
      ++estimates_;
      const Cut cut{axis, bands, overlap};
      const auto estimate = estimate_region(around_, region, outside, cut);
      if (!estimate) return bands > 2;
      if (estimate->peak_bytes() > target_bytes_) continue;
      propose(region, cut, *estimate);
      // A close estimate may be too low: more bands as well.
      const int64_t more = next_bands(next_bands(bands, most), most);
      const bool is_close = estimate->peak_bytes() > target_bytes_ - target_bytes_ / 16;
      if (banding_ == Banding::kMore && is_close && more <= most) {
        const Cut finer{axis, more, overlap};
        const auto smaller = estimate_region(around_, region, outside, finer);
        if (smaller) propose(region, finer, *smaller);
      }
      return true;
    }
    return true;
  }

  // Steps of a quarter; the last one is as many as there can be.
  static int64_t next_bands(int64_t bands, int64_t most) {
    const int64_t next = bands + std::max<int64_t>(1, bands / 4);
    return bands < most ? std::min(next, most) : most + 1;
  }

  void propose(const Region& region, const Cut& cut, const RegionEstimate& estimate) {
    proposals_.push_back({.move = TileRegion{.output = region.output,
                                             .inputs = region.inputs,
                                             .axis = cut.axis,
                                             .bands = cut.bands,
                                             .overlap = cut.overlap},
                          .replaces = {},
                          .peak_bytes = estimate.peak_bytes(),
                          .extra_ns = estimate.extra_ns});
  }

  const Neighbourhood& around_;
  const Graph& graph_;
  NodeId place_;
  int64_t target_bytes_;
  const BudgetTechniques& techniques_;
  Banding banding_;
  StopToken stop_;
  std::set<std::pair<ValueId, std::vector<ValueId>>> seen_;
  std::vector<Proposal> proposals_;
  int estimates_ = 0;
};

}  // namespace

std::vector<Proposal> propose_tilings(const Neighbourhood& around, NodeId place,
                                      int64_t target_bytes, const BudgetTechniques& techniques,
                                      Banding banding, StopToken stop) {
  return Proposer(around, place, target_bytes, techniques, banding, stop).run();
}

}  // namespace memopt
