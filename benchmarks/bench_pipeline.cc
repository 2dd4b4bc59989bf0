// Order and placement together: the arena that each order and each offset planner gives.
//
//   bench_pipeline [--data FOLDER] [--lifetimes FOLDER]
//
// FOLDER of --data (default ../shared/data) has ordering/*.g and idealloc/; --lifetimes: buffers as
// CSV, one file a model, as benchmarks/pipeline.py makes them of real models. Memory model as in
// bench_ordering. The planners of others are written from their published descriptions
// (peers/offsets.h); times are CPU milliseconds of one thread.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/networks.h"
#include "benchmarks/order_buffers.h"
#include "benchmarks/peers/offsets.h"
#include "benchmarks/peers/orders.h"
#include "passes/planning/bound.h"
#include "passes/planning/csv.h"
#include "passes/planning/order_graph.h"
#include "passes/planning/planner.h"
#include "runtime/base/file.h"

namespace memopt {
namespace {

struct Options {
  std::string data = "../shared/data";
  std::string lifetimes;
};

// Arena over bound, per planner, over all rows.
class Ratios {
 public:
  void add(const std::string& planner, double ratio) { of_[planner].push_back(ratio); }

  void print() const {
    std::printf("\n%-10s %6s %12s %12s %12s %12s\n", "planner", "rows", "at bound", "mean", "worst",
                "geom. mean");
    for (const auto& [name, ratios] : of_) {
      const auto count = static_cast<double>(ratios.size());
      double sum = 0, logs = 0;
      for (const double ratio : ratios) {
        sum += ratio;
        logs += std::log(ratio);
      }
      const auto exact = std::count(ratios.begin(), ratios.end(), 1.0);
      std::printf("%-10s %6zu %10.1f %% %12.4f %12.4f %12.4f\n", name.c_str(), ratios.size(),
                  100 * static_cast<double>(exact) / count, sum / count,
                  *std::max_element(ratios.begin(), ratios.end()), std::exp(logs / count));
    }
  }

 private:
  std::map<std::string, std::vector<double>> of_;
};

struct Row {
  int64_t arena_bytes = 0;
  double milliseconds = 0;
  std::vector<int64_t> peer_bytes;  // as offset_peers()
};

Result<Row> place(const MemoryProblem& problem) {
  Row row;
  const double start = cpu_seconds();
  MEMOPT_ASSIGN_OR_RETURN(const MemoryPlan plan, plan_memory(problem));
  row.milliseconds = 1000 * (cpu_seconds() - start);
  MEMOPT_RETURN_IF_ERROR(validate(problem, plan));
  row.arena_bytes = plan.spaces[0].height_bytes;
  for (const peers::OffsetPeer& peer : peers::offset_peers()) {
    MemoryPlan found{.offsets = peer.plan(problem), .spaces = {SpacePlan{}}};
    found.spaces[0].height_bytes = peers::arena_bytes(problem, found.offsets);
    MEMOPT_RETURN_IF_ERROR(validate(problem, found));
    row.peer_bytes.push_back(found.spaces[0].height_bytes);
  }
  return row;
}

double ratio(int64_t bytes, int64_t bound) {
  return bound == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(bound);
}

void print_peer_names() {
  for (const peers::OffsetPeer& peer : peers::offset_peers()) std::printf(" %9s", peer.name);
}

// memopt's order, each planner's arena; beside it what is published.
Status print_networks(const std::vector<Network>& networks) {
  std::printf("Networks in memopt's order: arena in KB\n%-20s %9s %9s %9s %7s", "", "minimum",
              "peak", "memopt", "ms");
  print_peer_names();
  std::printf(" | %9s %9s\n", "RPO+TFL", "HMCOS+TFL");
  int equal = 0, published = 0;
  for (const Network& network : networks) {
    MEMOPT_ASSIGN_OR_RETURN(const OrderResult order, order_ops(network.problem));
    MEMOPT_ASSIGN_OR_RETURN(const Row row, place(buffers_of_order(network.problem, order.order)));
    const bool proved = order.proof == OrderProof::kOptimal;
    std::printf("%-20s %9s %9s %9s %7.2f", network.name.c_str(),
                (std::string(proved ? "" : ">=") + kb(order.lower_bound_bytes)).c_str(),
                kb(order.peak_bytes).c_str(), kb(row.arena_bytes).c_str(), row.milliseconds);
    for (const int64_t bytes : row.peer_bytes) std::printf(" %9s", kb(bytes).c_str());
    if (network.published != nullptr) {
      ++published;
      equal += row.arena_bytes == order.peak_bytes && proved;
      std::printf(" | %9.1f", network.published->rpo_arena_kb);
      network.published->hmcos_arena_kb > 0
          ? std::printf(" %9.1f", network.published->hmcos_arena_kb)
          : std::printf(" %9s", "none");
    }
    std::printf("\n");
  }
  std::printf("arena = peak = proved minimum on %d of the %d published networks\n", equal,
              published);
  return {};
}

Status print_ratios(const std::string& name, const MemoryProblem& problem, Ratios& ratios) {
  const int64_t bound = lower_bound(problem);
  MEMOPT_ASSIGN_OR_RETURN(const Row row, place(problem));
  std::printf("%-34s %6zu %12s", name.c_str(), problem.buffers.size(), kb(bound).c_str());
  for (size_t i = 0; i < row.peer_bytes.size(); ++i) {
    std::printf(" %9.4f", ratio(row.peer_bytes[i], bound));
    ratios.add(peers::offset_peers()[i].name, ratio(row.peer_bytes[i], bound));
  }
  ratios.add("memopt", ratio(row.arena_bytes, bound));
  std::printf(" %9.4f %8.2f\n", ratio(row.arena_bytes, bound), row.milliseconds);
  std::fflush(stdout);
  return {};
}

Status print_orders(const std::vector<Network>& networks, Ratios& ratios) {
  for (const Network& network : networks) {
    MEMOPT_ASSIGN_OR_RETURN(const ordering::OrderGraph graph,
                            ordering::build_order_graph(network.problem));
    std::vector<std::pair<std::string, std::vector<int32_t>>> orders;
    orders.emplace_back("file", std::vector<int32_t>(graph.num_ops()));
    for (int32_t op = 0; op < graph.num_ops(); ++op) orders.back().second[op] = op;
    for (const peers::OrderPeer& peer : peers::order_peers()) {
      orders.emplace_back(peer.name, peer.order(graph));
    }
    MEMOPT_ASSIGN_OR_RETURN(OrderResult best, order_ops(network.problem));
    orders.emplace_back("memopt", std::move(best.order));
    for (const auto& [name, order] : orders) {
      MEMOPT_RETURN_IF_ERROR(print_ratios(network.name + " " + name,
                                          buffers_of_order(network.problem, order), ratios));
    }
  }
  return {};
}

Status print_csv(const std::string& path, const std::string& name, Ratios& ratios) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> file, read_file(path, int64_t{1} << 30));
  const auto csv = parse_memory_csv({reinterpret_cast<const char*>(file.data()), file.size()});
  if (!csv.ok()) return in_context(path, csv.error());
  return print_ratios(name, csv->problem, ratios);
}

Status bench(const Options& options) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<Network> networks,
                          load_networks(options.data + "/ordering", ""));
  MEMOPT_RETURN_IF_ERROR(print_networks(networks));
  std::printf("\nArena over the largest load of the order\n%-34s %6s %12s", "", "n", "load KB");
  print_peer_names();
  std::printf(" %9s %8s\n", "memopt", "ms");
  Ratios ratios;
  MEMOPT_RETURN_IF_ERROR(print_orders(networks, ratios));
  for (const char* name : {"somas_tensors/resnet50", "iopddl/G_1"}) {
    MEMOPT_RETURN_IF_ERROR(print_csv(options.data + "/idealloc/" + name + ".csv", name, ratios));
  }
  std::vector<std::filesystem::path> files;
  if (!options.lifetimes.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(options.lifetimes)) {
      if (entry.path().extension() == ".csv") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    MEMOPT_RETURN_IF_ERROR(print_csv(file.string(), file.stem().string(), ratios));
  }
  ratios.print();
  return {};
}

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const bool has_value = i + 1 < argc;
    if (has_value && std::strcmp(argv[i], "--data") == 0) {
      options.data = argv[i + 1];
    } else if (has_value && std::strcmp(argv[i], "--lifetimes") == 0) {
      options.lifetimes = argv[i + 1];
    } else {
      std::fprintf(stderr, "usage: bench_pipeline [--data FOLDER] [--lifetimes FOLDER]\n");
      return 2;
    }
  }
  const Status status = bench(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "bench_pipeline: %s\n", status.error().message.c_str());
  return static_cast<int>(status.error().code);
}

}  // namespace
}  // namespace memopt

int main(int argc, char** argv) { return memopt::run(argc, argv); }
