// Operator ordering: peaks, proofs and times, beside published planners on the same graphs.
//
//   bench_ordering [--data FOLDER]   the NAS and randomly wired networks (FOLDER/*.g)
//   bench_ordering --scale [MAX]     random graphs of 1,000 to 100,000 operators
//   bench_ordering --hard            more work on the largest randomly wired networks
//
// Peers are list schedulers and traversals written from their published descriptions on the same
// memory model; the figures of HMCOS (DAC'22, measured with its own program on a machine of this
// class) are constants. Times are CPU seconds of one thread.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <tuple>

#include "passes/planning/order.h"
#include "passes/planning/order_graph.h"
#include "passes/planning/order_text.h"

namespace memopt {
namespace {

using ordering::OrderGraph;
using ordering::OrderState;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Published {
  const char* name;
  double hmcos_peak_kb;  // 0: no result in 600 s
  double hmcos_seconds;
};

constexpr Published kPublished[] = {
    {"amoebanet_cifar", 1296, 0.42},    {"amoebanet_imagenet", 3834.2, 0.086},
    {"darts_cifar", 1476, 0.084},       {"darts_imagenet", 3822, 0.010},
    {"nasnet_cifar", 1952, 9.02},       {"nasnet_imagenet", 3797.5, 0.168},
    {"pnas_cifar", 1600, 8.70},         {"randwire_c78_s0", 3105.4, 88.0},
    {"randwire_c78_s1", 3344.2, 180.5}, {"randwire_c78_s2", 3583.1, 79.2},
    {"randwire_c78_s3", 0, 600},
};

enum class Peer { kPostOrder, kLeastPeakFirst, kBytesFreed };

// Reversed post-order of a depth-first search from the inputs: the order of most importers.
std::vector<int32_t> reverse_post_order(const OrderGraph& graph) {
  std::vector<int32_t> order;
  std::vector<uint8_t> seen(graph.num_ops(), 0);
  for (int32_t source = 0; source < graph.num_ops(); ++source) {
    if (seen[source] || !graph.preds[source].empty()) continue;
    std::vector<std::pair<int32_t, size_t>> stack = {{source, 0}};
    seen[source] = 1;
    while (!stack.empty()) {
      auto& [op, next] = stack.back();
      if (next == graph.succs[op].size()) {
        order.push_back(op);
        stack.pop_back();
      } else if (const int32_t succ = graph.succs[op][next++]; !seen[succ]) {
        seen[succ] = 1;
        stack.emplace_back(succ, 0);
      }
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

// List scheduling. Least peak memory first (PyTorch Inductor): the ready operator that raises the
// peak so far the least, then the one that grows live bytes the least. Bytes freed (XLA's list
// scheduler): the one that grows live bytes the least. Ties go to the given order.
std::vector<int32_t> list_order(const OrderGraph& graph, Peer peer) {
  OrderState state(graph);
  std::vector<int32_t> order;
  std::set<int32_t> ready;
  for (int32_t op = 0; op < graph.num_ops(); ++op) {
    if (state.is_ready(op)) ready.insert(op);
  }
  int64_t peak = 0;
  while (!ready.empty()) {
    auto key = [&](int32_t op) {
      const int64_t running = std::max(peak, state.running_bytes(op));
      return std::tuple(peer == Peer::kLeastPeakFirst ? running : 0, state.growth_bytes(op), op);
    };
    const int32_t best = *std::min_element(ready.begin(), ready.end(),
                                           [&](int32_t a, int32_t b) { return key(a) < key(b); });
    peak = std::max(peak, state.running_bytes(best));
    state.run(best);
    order.push_back(best);
    ready.erase(best);
    for (int32_t succ : graph.succs[best]) {
      if (state.is_ready(succ)) ready.insert(succ);
    }
  }
  return order;
}

int64_t peer_peak(const OrderProblem& problem, const OrderGraph& graph, Peer peer) {
  const std::vector<int32_t> order =
      peer == Peer::kPostOrder ? reverse_post_order(graph) : list_order(graph, peer);
  return simulate_order(problem, order)->peak_bytes;
}

const char* text_of(OrderProof proof) {
  switch (proof) {
    case OrderProof::kOptimal:
      return "optimal";
    case OrderProof::kBestFound:
      return "best found";
    case OrderProof::kGiven:
      return "given";
  }
  return "";
}

std::string kb(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", static_cast<double>(bytes) / 1024);
  return text;
}

int run_networks(const std::string& folder, const OrderOptions& options, const char* only) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".g" && entry.path().stem().string().starts_with(only)) {
      paths.push_back(entry.path().string());
    }
  }
  if (paths.empty()) {
    std::fprintf(stderr, "bench_ordering: no .g files in '%s'; give --data FOLDER\n",
                 folder.c_str());
    return 3;
  }
  std::sort(paths.begin(), paths.end());
  std::printf("%-20s %5s %8s %8s %8s %8s %14s | %8s %8s %-10s %8s\n", "KB (peak)", "ops", "given",
              "rpo", "lpmf", "freed", "HMCOS (s)", "memopt", "bound", "proof", "CPU s");
  double total = 0, eleven = 0;
  for (const std::string& path : paths) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    const Result<OrderProblem> problem = parse_order_problem(text.str());
    if (!problem.ok()) {
      std::fprintf(stderr, "%s: %s\n", path.c_str(), problem.error().message.c_str());
      return 3;
    }
    const double start = cpu_seconds();
    const Result<OrderResult> result = order_ops(*problem, options);
    const double seconds = cpu_seconds() - start;
    const Result<OrderGraph> graph = ordering::build_order_graph(*problem);
    const std::string name = std::filesystem::path(path).stem().string();
    std::string hmcos = "-";
    for (const Published& row : kPublished) {
      if (row.name != name) continue;
      char cell[48];
      std::snprintf(cell, sizeof(cell), "%.1f (%.2f)", row.hmcos_peak_kb, row.hmcos_seconds);
      hmcos = row.hmcos_peak_kb == 0 ? "none (600)" : cell;
      eleven += seconds;
    }
    total += seconds;
    std::printf("%-20s %5d %8s %8s %8s %8s %14s | %8s %8s %-10s %8.4f\n", name.c_str(),
                graph->num_ops(), kb(result->given_peak_bytes).c_str(),
                kb(peer_peak(*problem, *graph, Peer::kPostOrder)).c_str(),
                kb(peer_peak(*problem, *graph, Peer::kLeastPeakFirst)).c_str(),
                kb(peer_peak(*problem, *graph, Peer::kBytesFreed)).c_str(), hmcos.c_str(),
                kb(result->peak_bytes).c_str(), kb(result->lower_bound_bytes).c_str(),
                text_of(result->proof), seconds);
  }
  std::printf("total %.3f CPU s, of which the published eleven %.3f\n", total, eleven);
  return 0;
}

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
    add(inputs, 64 * (1 + below(256)));
  }

  OrderProblem finish() {
    for (int32_t v : unread_since(0)) problem_.storages[v].live_at_end = true;
    return std::move(problem_);
  }

 private:
  static constexpr int64_t kUnit = 4096;

  std::mt19937 random_;
  OrderProblem problem_;
  int32_t last_ = 0, before_last_ = 0;  // outputs of cells or stages
  int32_t oldest_ = 0;                  // all values before it are read
};

enum class Shape { kCells, kWired, kIrregular };

OrderProblem generate(Shape shape, int32_t ops, uint32_t seed) {
  Generator generator(seed);
  while (generator.next() <= ops) {
    switch (shape) {
      case Shape::kCells:
        generator.add_cell();
        break;
      case Shape::kWired:
        generator.add_wired_stage();
        break;
      case Shape::kIrregular:
        generator.add_irregular();
        break;
    }
  }
  return generator.finish();
}

int run_scale(int32_t max_ops) {
  std::printf("%-10s %7s %10s %10s %10s %10s %8s %-10s %8s\n", "KB (peak)", "ops", "given", "freed",
              "memopt", "bound", "gap %", "proof", "CPU s");
  for (const auto& [name, shape] : {std::pair{"cells", Shape::kCells},
                                    {"wired", Shape::kWired},
                                    {"irregular", Shape::kIrregular}}) {
    for (int32_t ops : {1000, 3000, 10'000, 30'000, 100'000}) {
      if (ops > max_ops) continue;
      const OrderProblem problem = generate(shape, ops, 1);
      const double start = cpu_seconds();
      const Result<OrderResult> result = order_ops(problem);
      const double seconds = cpu_seconds() - start;
      const Result<OrderGraph> graph = ordering::build_order_graph(problem);
      std::printf("%-10s %7d %10s %10s %10s %10s %8.2f %-10s %8.3f\n", name, graph->num_ops(),
                  kb(result->given_peak_bytes).c_str(),
                  kb(peer_peak(problem, *graph, Peer::kBytesFreed)).c_str(),
                  kb(result->peak_bytes).c_str(), kb(result->lower_bound_bytes).c_str(),
                  100.0 * static_cast<double>(result->peak_bytes - result->lower_bound_bytes) /
                      static_cast<double>(result->lower_bound_bytes),
                  text_of(result->proof), seconds);
      std::fflush(stdout);
    }
  }
  return 0;
}

int run(int argc, char** argv) {
  std::string folder = "../shared/data/ordering";
  OrderOptions options;
  const char* only = "";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--scale") == 0) {
      return run_scale(i + 1 < argc ? std::atoi(argv[i + 1]) : 100'000);
    } else if (std::strcmp(argv[i], "--hard") == 0) {
      options.exact_work = 1'000'000'000;
      only = "rwbig";
    } else if (std::strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
      folder = argv[++i];
    } else {
      std::fprintf(stderr, "usage: bench_ordering [--data FOLDER] [--hard | --scale [MAX]]\n");
      return 2;
    }
  }
  return run_networks(folder, options, only);
}

}  // namespace
}  // namespace memopt

int main(int argc, char** argv) { return memopt::run(argc, argv); }
