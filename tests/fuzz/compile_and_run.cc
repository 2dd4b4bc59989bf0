#include "tests/fuzz/compile_and_run.h"

#include "passes/compile.h"
#include "runtime/kernels/kernel.h"
#include "runtime/plan/codec.h"
#include "tests/support/hostile_run.h"

namespace memopt::fuzz {
namespace {

Counter compiled("compiled"), ran("run");

constexpr int64_t kMaxBytes = int64_t{4} << 20;
constexpr size_t kMaxNodes = 200;

bool is_small(const Graph& graph) {
  if (graph.order().size() > kMaxNodes) return false;
  int64_t bytes = 0;
  for (const ValueId id : live_values(graph)) {
    bytes += std::min(graph.type(id).bytes(), kMaxBytes);
    if (bytes > kMaxBytes) return false;
  }
  return true;
}

std::vector<std::string> library_kernels() {
  std::vector<std::string> names;
  for (OpKind kind = 0; kind < kOpCount; ++kind) {
    for (const KernelDef* const kernel : kernels_for(kind)) {
      if (kernel->name.ends_with(".onednn")) names.emplace_back(kernel->name);
    }
  }
  return names;
}

// A bit per technique; mostly without the library, which takes milliseconds to make a kernel.
CompileOptions options_for(uint64_t choice) {
  static const std::vector<std::string> kLibrary = library_kernels();
  CompileOptions options;
  options.buffers.views = choice & 1;
  options.buffers.destinations = choice & 2;
  options.buffers.in_place = choice & 4;
  options.buffers.reuse = (choice & 0x38) != 0;
  options.buffers.order = choice & 0x40;
  options.buffers.io_in_arena = choice & 0x80;
  if ((choice & 0x1f00) != 0) options.kernels.disabled_kernels = kLibrary;
  options.kernels.reference_only = (choice & 0x6000) == 0;
  options.passes.pass.fold_limit_bytes = 1 << 16;
  options.buffers.planner.work_limit = 200;
  options.buffers.ordering = {.bound_work = 10'000,
                              .exact_work = 10'000,
                              .window_work = 10'000,
                              .window_work_per_op = 50,
                              .beam_width = 4,
                              .stop = {}};
  return options;
}

}  // namespace

void compile_and_run(Graph graph, uint64_t choice) {
  if (!is_small(graph)) return;
  const auto model = compile_graph(std::move(graph), options_for(choice));
  if (!model.ok()) return require_expected(model.error());
  ++compiled;
  const HostileRun outcome = run_hostile(encode_plan((*model)->plan()), choice);
  require(outcome.violation.empty(), outcome.violation);
  require(outcome.accepted, "the loader refuses what the compiler made");
  if (outcome.ran) ++ran;
}

}  // namespace memopt::fuzz
