#include "benchmarks/random_graphs.h"

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace memopt {
namespace {

// Grows a graph operator by operator; every operator has one output.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {
    problem_.storages.push_back({.bytes = kUnit, .live_at_start = true});
    problem_.values.push_back({.storage = 0, .producer = kNoOp, .consumers = {}});
  }

  int32_t below(int32_t n) { return static_cast<int32_t>(random_() % static_cast<uint32_t>(n)); }
  int32_t next() const { return static_cast<int32_t>(problem_.values.size()); }

  // Returns the output of a new operator.
  int32_t add(const std::vector<int32_t>& inputs, int64_t bytes) {
    const int32_t output = next(), op = output - 1;
    for (int32_t input : inputs) problem_.values[input].consumers.push_back(op);
    problem_.scratch_bytes.push_back(0);
    problem_.storages.push_back({.bytes = bytes});
    problem_.values.push_back({.storage = output, .producer = op, .consumers = {}});
    if (inputs.size() == 1 && below(2) == 0) problem_.in_place.push_back({op, output, inputs[0]});
    return output;
  }

  std::vector<int32_t> unread_since(int32_t first) const {
    std::vector<int32_t> values;
    for (int32_t v = first; v < next(); ++v) {
      if (problem_.values[v].consumers.empty()) values.push_back(v);
    }
    return values;
  }

  // As in NASNet: five sums of two operators each on the outputs of the last two cells or on
  // earlier sums; what is left unread is concatenated.
  void add_cell() {
    const int32_t first = next();
    std::vector<int32_t> states = {add({before_last_}, kUnit), add({last_}, kUnit)};
    for (int i = 0; i < 5; ++i) {
      const auto count = static_cast<int32_t>(states.size());
      const int32_t a = add({add({states[below(count)]}, kUnit)}, kUnit);
      const int32_t b = add({add({states[below(count)]}, kUnit)}, kUnit);
      states.push_back(add({a, b}, kUnit));
    }
    const std::vector<int32_t> loose = unread_since(first);
    before_last_ = last_;
    last_ = add(loose, kUnit * static_cast<int64_t>(loose.size()));
  }

  // 32 nodes, each a sum of one to three earlier ones and two operators on it.
  void add_wired_stage() {
    std::vector<int32_t> nodes = {last_};
    const int32_t first = next();
    for (int i = 0; i < 32; ++i) {
      std::set<int32_t> inputs = {nodes[std::max(0, i - below(4))]};
      for (int more = below(3); more > 0; --more) inputs.insert(nodes[below(i + 1)]);
      const int32_t sum = add({inputs.begin(), inputs.end()}, kUnit);
      nodes.push_back(add({add({sum}, kUnit)}, kUnit));
    }
    last_ = add(unread_since(first), kUnit);
  }

  // Reads one to three of the last 60 values, the one that has waited longest first, and now and
  // then one far back; sizes of all kinds.
  void add_irregular() {
    while (oldest_ < next() && !problem_.values[oldest_].consumers.empty()) ++oldest_;
    std::vector<int32_t> inputs;
    if (oldest_ < next() && next() - oldest_ > 40) inputs.push_back(oldest_);
    for (int32_t i = 1 + below(2); i > 0; --i) {
      const int32_t reach = below(100) == 0 ? 2000 : 60;
      inputs.push_back(next() - 1 - below(std::min(next(), reach)));
    }
    add(inputs, any_bytes());
  }

  // 4 to 16 operators, each on one to three results of the layer before, all of which are read.
  void add_layer() {
    const std::vector<int32_t> before = layer_.empty() ? std::vector<int32_t>{0} : layer_;
    std::vector<std::set<int32_t>> inputs(4 + below(13));
    for (std::set<int32_t>& reads : inputs) {
      for (int32_t more = below(3); more >= 0; --more) {
        reads.insert(before[below(static_cast<int32_t>(before.size()))]);
      }
    }
    for (const int32_t value : before) {
      inputs[below(static_cast<int32_t>(inputs.size()))].insert(value);
    }
    layer_.clear();
    for (const std::set<int32_t>& reads : inputs) {
      layer_.push_back(add({reads.begin(), reads.end()}, any_bytes()));
    }
  }

  // A series-parallel graph of about `ops` operators behind `input`; returns its result.
  int32_t add_series_parallel(int32_t input, int32_t ops) {
    if (ops <= 1) return add({input}, any_bytes());
    if (below(2) == 0) {
      const int32_t head = 1 + below(ops - 1);
      return add_series_parallel(add_series_parallel(input, head), ops - head);
    }
    std::vector<int32_t> results;
    const int32_t branches = std::min(ops, 2 + below(3));
    results.reserve(static_cast<size_t>(branches));
    for (int32_t i = 0; i < branches; ++i) {
      results.push_back(add_series_parallel(input, std::max(1, (ops - 1) / branches)));
    }
    return add(results, any_bytes());
  }

  // What is still to come, in parts whose depth is bounded.
  void add_series_parallel_part() { last_ = add_series_parallel(last_, 1000); }

  OrderProblem finish() {
    for (int32_t v : unread_since(0)) problem_.storages[v].live_at_end = true;
    return std::move(problem_);
  }

 private:
  static constexpr int64_t kUnit = 4096;

  int64_t any_bytes() { return 64 * (1 + below(256)); }

  std::mt19937 random_;
  OrderProblem problem_;
  int32_t last_ = 0, before_last_ = 0;  // outputs of cells or stages
  int32_t oldest_ = 0;                  // all values before it are read
  std::vector<int32_t> layer_;          // results of the last layer
};

template <void (Generator::*add_part)()>
OrderProblem grow(int32_t min_ops, uint32_t seed) {
  Generator generator(seed);
  while (generator.next() <= min_ops) (generator.*add_part)();
  return generator.finish();
}

}  // namespace

std::span<const GraphShape> graph_shapes() {
  static constexpr GraphShape kShapes[] = {
      {"cells", "sums of two branches, as NASNet's cells", grow<&Generator::add_cell>},
      {"wired", "stages of 32 randomly wired nodes", grow<&Generator::add_wired_stage>},
      {"layered", "4 to 16 operators a layer, all sizes", grow<&Generator::add_layer>},
      {"series-parallel", "nested series and branches, all sizes",
       grow<&Generator::add_series_parallel_part>},
      {"irregular", "no structure, edges near and far, all sizes", grow<&Generator::add_irregular>},
  };
  return kShapes;
}

}  // namespace memopt
