// Random networks: with every combination of the planner's techniques they compute the bits that
// they compute without any. The first bytes are the seed, the size and the techniques.
#include <cstring>

#include "passes/compile.h"
#include "runtime/executor/session.h"
#include "runtime/plan/load.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/random_graph.h"

namespace memopt::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

Counter compared("compared");

struct Choice {
  uint32_t seed = 0;
  uint8_t nodes = 0;
  uint8_t techniques = 0;
  uint8_t planner = 0;
};

CompileOptions options_for(const Choice& choice) {
  CompileOptions options;
  options.kernels.reference_only = true;
  options.buffers.views = choice.techniques & 1;
  options.buffers.destinations = choice.techniques & 2;
  options.buffers.in_place = choice.techniques & 4;
  options.buffers.order = choice.techniques & 8;
  options.buffers.io_in_arena = choice.techniques & 16;
  options.buffers.reuse = choice.techniques & 32;
  options.buffers.planner.work_limit = 500;
  options.buffers.ordering.bound_work = options.buffers.ordering.exact_work = 10'000;
  options.buffers.ordering.window_work = 10'000;
  if (choice.techniques & 64) {
    options.buffers.planner.planner = planners()[choice.planner % planners().size()].name;
  }
  return options;
}

std::vector<Bytes> run(const CompiledModel& model) {
  const std::string path = file_with({}) + ".plan";
  require_expected(write_compiled(model, path));
  const auto loaded = load_plan(path, {.mode = LoadMode::kCopy});
  require(loaded.ok(), loaded.ok() ? "" : loaded.error().message);
  const Plan& plan = (*loaded)->plan();
  const PageBuffer arena = *PageBuffer::allocate_fenced(plan.arena_bytes, 64);
  auto session = Session::create(*loaded, arena.bytes(), {.guard = true});
  require(session.ok(), session.ok() ? "" : session.error().message);
  std::vector<PageBuffer> buffers;
  const auto buffer_of = [&](uint32_t value) {
    buffers.push_back(*PageBuffer::allocate_fenced(plan.values[value].bytes, 4));
    return buffers.back().bytes();
  };
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    const PlanValue& value = plan.values[plan.inputs[i]];
    if (value.storage == Storage::kCaller) {
      require_expected((*session)->bind_input(i, buffer_of(plan.inputs[i])));
    }
    for (int64_t k = 0; k < value.dims.count(); ++k) {
      const float number =
          static_cast<float>((k * 37 + static_cast<int64_t>(i) * 11) % 64) / 32 - 1;
      std::memcpy((*session)->input_data(i) + 4 * k, &number, 4);
    }
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    if (plan.values[plan.outputs[i]].storage != Storage::kCaller) continue;
    require_expected((*session)->bind_output(i, buffer_of(plan.outputs[i])));
  }
  if (plan.state_bytes > 0) {
    buffers.push_back(*PageBuffer::allocate_fenced(plan.state_bytes, 64));
    require_expected((*session)->bind_state(buffers.back().bytes()));
    require_expected((*session)->reset_state());
  }
  const Status status = (*session)->run();
  require(status.ok(), status.ok() ? "" : status.error().message);
  std::vector<Bytes> outputs;
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const std::byte* const data = (*session)->output_data(i);
    outputs.emplace_back(data, data + plan.values[plan.outputs[i]].bytes);
  }
  return outputs;
}

std::vector<Bytes> outputs_of(const Graph& graph, const CompileOptions& options) {
  const auto model = compile_graph(graph, options);
  require(model.ok(), model.ok() ? "" : model.error().message);
  return run(**model);
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace memopt::fuzz;
  Choice choice;
  if (size < 7) return 0;
  std::memcpy(&choice.seed, data, 4);
  choice.nodes = data[4];
  choice.techniques = data[5];
  choice.planner = data[6];
  const memopt::Graph graph = memopt::random_graph(choice.seed, 2 + choice.nodes % 24);
  const auto expected = outputs_of(graph, options_for({.techniques = 0}));
  require(outputs_of(graph, options_for(choice)) == expected, "the techniques change the results");
  ++compared;
  return 0;
}
