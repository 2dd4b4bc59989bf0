// Operator ordering: peaks, proofs and times, beside published planners on the same graphs.
//
//   bench_ordering [--data FOLDER]                the NAS and randomly wired networks (FOLDER/*.g)
//   bench_ordering --scale [MAX] [--svg FILE]     random graphs of 1,000 to MAX (100,000) operators
//   bench_ordering --hard [--data FOLDER]         more work on the largest randomly wired networks
//
// Memory model, as HMCOS's: weights are not counted; the inputs and outputs of the running operator
// live together; an element-wise operator may overwrite one input of the same size that dies there.
// Peers are orders written from their published descriptions (peers/orders.h); the figures of HMCOS
// are constants (networks.h). Times are CPU seconds of one thread.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "benchmarks/networks.h"
#include "benchmarks/peers/orders.h"
#include "benchmarks/plot.h"
#include "benchmarks/random_graphs.h"
#include "passes/planning/order.h"
#include "passes/planning/order_graph.h"
#include "runtime/base/file.h"

namespace memopt {
namespace {

struct Options {
  std::string folder = "../shared/data/ordering";
  OrderOptions order;
  std::string prefix;
  bool scale = false;
  int32_t max_ops = 100'000;
  std::string svg;
};

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

std::string hmcos_cell(const Published* published) {
  if (published == nullptr) return "-";
  if (published->hmcos_peak_kb == 0) return "none (600)";
  char cell[48];
  std::snprintf(cell, sizeof(cell), "%.1f (%.2f)", published->hmcos_peak_kb,
                published->hmcos_seconds);
  return cell;
}

Status run_networks(const Options& options) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<Network> networks,
                          load_networks(options.folder, options.prefix));
  std::printf("%-20s %5s %8s", "KB (peak)", "ops", "file");
  for (const peers::OrderPeer& peer : peers::order_peers()) std::printf(" %10s", peer.name);
  std::printf(" %15s | %8s %8s %-10s %8s\n", "HMCOS (CPU s)", "memopt", "bound", "proof", "CPU s");
  double total = 0, eleven = 0;
  for (const Network& network : networks) {
    const double start = cpu_seconds();
    MEMOPT_ASSIGN_OR_RETURN(const OrderResult result, order_ops(network.problem, options.order));
    const double seconds = cpu_seconds() - start;
    total += seconds;
    if (network.published != nullptr) eleven += seconds;
    MEMOPT_ASSIGN_OR_RETURN(const ordering::OrderGraph graph,
                            ordering::build_order_graph(network.problem));
    std::printf("%-20s %5d %8s", network.name.c_str(), graph.num_ops(),
                kb(result.given_peak_bytes).c_str());
    for (const peers::OrderPeer& peer : peers::order_peers()) {
      const int64_t peak = simulate_order(network.problem, peer.order(graph))->peak_bytes;
      std::printf(" %10s", kb(peak).c_str());
    }
    std::printf(" %15s | %8s %8s %-10s %8.4f\n", hmcos_cell(network.published).c_str(),
                kb(result.peak_bytes).c_str(), kb(result.lower_bound_bytes).c_str(),
                text_of(result.proof), seconds);
  }
  std::printf("total %.3f CPU s, of which the published eleven %.3f\n", total, eleven);
  return {};
}

Status run_scale(const Options& options) {
  std::printf("%-16s %7s %10s %10s %10s %10s %8s %-10s %8s %9s\n", "KB (peak)", "ops", "given",
              "freed", "memopt", "bound", "gap %", "proof", "CPU s", "exponent");
  std::vector<Curve> curves;
  for (const GraphShape& shape : graph_shapes()) {
    Curve& curve = curves.emplace_back(Curve{shape.name, {}});
    for (int32_t ops : {1000, 3000, 10'000, 30'000, 100'000}) {
      if (ops > options.max_ops) continue;
      const OrderProblem problem = shape.generate(ops, 1);
      const double start = cpu_seconds();
      MEMOPT_ASSIGN_OR_RETURN(const OrderResult result, order_ops(problem, options.order));
      const double seconds = std::max(cpu_seconds() - start, 1e-6);
      MEMOPT_ASSIGN_OR_RETURN(const ordering::OrderGraph graph,
                              ordering::build_order_graph(problem));
      const int64_t freed = simulate_order(problem, peers::bytes_freed_first(graph))->peak_bytes;
      std::printf("%-16s %7d %10s %10s %10s %10s %8.2f %-10s %8.3f", shape.name, graph.num_ops(),
                  kb(result.given_peak_bytes).c_str(), kb(freed).c_str(),
                  kb(result.peak_bytes).c_str(), kb(result.lower_bound_bytes).c_str(),
                  100.0 * static_cast<double>(result.peak_bytes - result.lower_bound_bytes) /
                      static_cast<double>(result.lower_bound_bytes),
                  text_of(result.proof), seconds);
      if (!curve.points.empty()) {  // of growth since the row before: 1 is linear
        const auto [before_ops, before_seconds] = curve.points.back();
        std::printf(" %9.2f",
                    std::log(seconds / before_seconds) / std::log(graph.num_ops() / before_ops));
      }
      std::printf("\n");
      std::fflush(stdout);
      curve.points.emplace_back(graph.num_ops(), seconds);
    }
  }
  if (options.svg.empty()) return {};
  return write_file(options.svg, log_plot_svg("Ordering: time over graph size", "operators",
                                              "CPU seconds, one thread", curves));
}

int usage() {
  std::fprintf(stderr,
               "usage: bench_ordering [--data FOLDER] [--hard | --scale [MAX] [--svg FILE]]\n");
  return 2;
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc && argv[i + 1][0] != '-';
    if (std::strcmp(argv[i], "--scale") == 0) {
      options.scale = true;
      if (has_value) options.max_ops = std::atoi(argv[++i]);
    } else if (std::strcmp(argv[i], "--hard") == 0) {
      options.order.exact_work = 1'000'000'000;
      options.prefix = "rwbig";
    } else if (std::strcmp(argv[i], "--data") == 0 && has_value) {
      options.folder = argv[++i];
    } else if (std::strcmp(argv[i], "--svg") == 0 && has_value) {
      options.svg = argv[++i];
    } else {
      return usage();
    }
  }
  const Status status = options.scale ? run_scale(options) : run_networks(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bench_ordering: %s\n", status.error().message.c_str());
  return static_cast<int>(status.error().code);
}

}  // namespace
}  // namespace memopt

int main(int argc, char** argv) { return memopt::run(argc, argv); }
