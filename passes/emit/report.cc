#include "passes/emit/report.h"

#include <algorithm>
#include <numeric>

#include "runtime/base/checked.h"
#include "runtime/kernels/kernel.h"

namespace memopt {
namespace {

// A used range of the arena at one step.
struct Block {
  int64_t begin = 0, end = 0;
};

// Calls visit(step, blocks) for every step with the blocks in use, sorted by address. Only roots of
// the arena without `skip` and, unless `skip_scratch`, the scratch of the step.
template <typename Visit>
void for_each_step(const Report& report, const std::vector<bool>& skip, bool skip_scratch,
                   Visit&& visit) {
  const size_t steps = report.steps.size();
  std::vector<std::vector<uint32_t>> starting(steps + 1);
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    if (tensor.storage != Storage::kArena || tensor.root != i || skip[i]) continue;
    if (tensor.bytes > 0 && tensor.begin < tensor.end) {
      starting[static_cast<size_t>(tensor.begin)].push_back(i);
    }
  }
  std::vector<uint32_t> active;
  std::vector<Block> blocks;
  const auto by_begin = [](const Block& a, const Block& b) { return a.begin < b.begin; };
  for (size_t step = 0; step < steps; ++step) {
    std::erase_if(active,
                  [&](uint32_t i) { return report.tensors[i].end <= static_cast<int64_t>(step); });
    active.insert(active.end(), starting[step].begin(), starting[step].end());
    blocks.clear();
    for (const uint32_t i : active) {
      const ReportTensor& tensor = report.tensors[i];
      blocks.push_back({tensor.offset, tensor.offset + tensor.bytes});
    }
    const ReportStep& at = report.steps[step];
    if (!skip_scratch && at.scratch_bytes > 0) {
      blocks.push_back({at.scratch_offset, at.scratch_offset + at.scratch_bytes});
    }
    std::sort(blocks.begin(), blocks.end(), by_begin);
    visit(step, blocks);
  }
}

int64_t covered_bytes(const std::vector<Block>& sorted) {
  int64_t sum = 0, reached = 0;
  for (const Block& block : sorted) {
    sum += std::max<int64_t>(0, block.end - std::max(block.begin, reached));
    reached = std::max(reached, block.end);
  }
  return sum;
}

// The part of the free bytes of [0, arena_bytes) that only rounds a block up to the alignment.
int64_t padding_bytes(const std::vector<Block>& sorted, int64_t arena_bytes) {
  int64_t padding = 0, reached = 0;
  const auto gap_until = [&](int64_t next) {
    if (next <= reached) return;
    padding += std::min(next - reached, align_up(reached, kArenaAlignment) - reached);
  };
  for (const Block& block : sorted) {
    gap_until(block.begin);
    reached = std::max(reached, block.end);
  }
  gap_until(arena_bytes);
  return padding;
}

std::vector<ReportTensor> make_tensors(const Plan& plan) {
  std::vector<ReportTensor> tensors;
  tensors.reserve(plan.values.size());
  for (uint32_t i = 0; i < plan.values.size(); ++i) {
    const PlanValue& value = plan.values[i];
    ReportTensor tensor;
    tensor.name = value.name;
    tensor.type = {value.dtype, value.dims, value.layout};
    tensor.storage = value.storage;
    tensor.bytes = value.bytes;
    tensor.offset = value.offset_bytes;
    tensor.root = root_of(plan, i);
    tensor.whole_alias = value.alias && value.alias->whole;
    tensors.push_back(std::move(tensor));
  }
  for (const uint32_t i : plan.inputs) tensors[i].is_input = true;
  for (const uint32_t i : plan.outputs) tensors[i].is_output = true;
  return tensors;
}

std::vector<ReportStep> make_steps(const Plan& plan) {
  std::vector<ReportStep> steps;
  steps.reserve(plan.instructions.size());
  for (const PlanInstruction& instruction : plan.instructions) {
    ReportStep step;
    step.op = op_label(instruction.op);
    step.name = instruction.name.empty() ? step.op : instruction.name;
    step.kernel = instruction.kernel;
    step.scratch_bytes = instruction.scratch_bytes;
    step.scratch_offset = instruction.scratch_offset_bytes;
    for (const auto& input : instruction.inputs) {
      if (input) step.inputs.push_back(*input);
    }
    for (const auto& output : instruction.outputs) {
      if (output) step.outputs.push_back(*output);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

// Producers and lifetimes, recomputed from the steps alone.
void find_lifetimes(Report& report) {
  const auto steps = static_cast<int64_t>(report.steps.size());
  constexpr int64_t kNever = INT64_MAX;
  for (ReportTensor& tensor : report.tensors) {
    const bool whole_life =
        tensor.storage == Storage::kConstant || tensor.storage == Storage::kState;
    tensor.begin = tensor.is_input || whole_life ? 0 : kNever;
    tensor.end = tensor.is_output || whole_life ? steps : 0;
  }
  for (int64_t step = 0; step < steps; ++step) {
    const ReportStep& at = report.steps[static_cast<size_t>(step)];
    const auto touch = [&](uint32_t i) {
      report.tensors[i].begin = std::min(report.tensors[i].begin, step);
      report.tensors[i].end = std::max(report.tensors[i].end, step + 1);
    };
    for (const uint32_t i : at.inputs) touch(i);
    for (const uint32_t i : at.outputs) {
      touch(i);
      report.tensors[i].producer = report.tensors[i].producer.value_or(static_cast<uint32_t>(step));
    }
  }
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    ReportTensor& root = report.tensors[tensor.root];
    root.begin = std::min(root.begin, tensor.begin);
    root.end = std::max(root.end, tensor.end);
  }
  for (ReportTensor& tensor : report.tensors) {
    if (tensor.begin != kNever) continue;
    // Nothing writes it itself: a part or a view of its root, or unused.
    const ReportTensor& root = report.tensors[tensor.root];
    tensor.begin = root.begin == kNever ? 0 : root.begin;
    tensor.end = std::max(tensor.end, tensor.begin);
  }
}

void find_working_sets(Report& report) {
  std::vector<Block> blocks;
  for (ReportStep& step : report.steps) {
    blocks.clear();
    const auto add = [&](uint32_t i) {
      const ReportTensor& root = report.tensors[report.tensors[i].root];
      if (root.storage == Storage::kArena)
        blocks.push_back({root.offset, root.offset + root.bytes});
    };
    for (const uint32_t i : step.inputs) add(i);
    for (const uint32_t i : step.outputs) add(i);
    blocks.push_back({step.scratch_offset, step.scratch_offset + step.scratch_bytes});
    std::sort(blocks.begin(), blocks.end(),
              [](const Block& a, const Block& b) { return a.begin < b.begin; });
    step.working_set_bytes = covered_bytes(blocks);
  }
}

// Live bytes per step, the peak, and the split of the arena at the peak.
void find_peak(Report& report) {
  const std::vector<bool> none(report.tensors.size(), false);
  std::vector<Block> at_peak;
  for_each_step(report, none, false, [&](size_t step, const std::vector<Block>& blocks) {
    const int64_t live = covered_bytes(blocks);
    report.steps[step].live_bytes = live;
    if (step > 0 && live <= report.peak_live_bytes) return;
    report.peak_step = static_cast<int64_t>(step);
    report.peak_live_bytes = live;
    at_peak = blocks;
  });
  ReportBytes& bytes = report.bytes;
  if (!report.steps.empty()) {
    bytes.arena_scratch = report.steps[static_cast<size_t>(report.peak_step)].scratch_bytes;
  }
  bytes.arena_activations = report.peak_live_bytes - bytes.arena_scratch;
  bytes.arena_padding = padding_bytes(at_peak, bytes.arena);
  bytes.arena_fragmentation = bytes.arena - report.peak_live_bytes - bytes.arena_padding;
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    if (tensor.storage == Storage::kArena && tensor.root == i && tensor.begin <= report.peak_step &&
        report.peak_step < tensor.end) {
      report.peak_tensors.push_back(i);
    }
  }
  std::stable_sort(
      report.peak_tensors.begin(), report.peak_tensors.end(),
      [&](uint32_t a, uint32_t b) { return report.tensors[a].bytes > report.tensors[b].bytes; });
}

void count_classes(Report& report) {
  ReportBytes& bytes = report.bytes;
  for (const ReportStep& step : report.steps) {
    bytes.max_scratch = std::max(bytes.max_scratch, step.scratch_bytes);
  }
  for (const ReportTensor& tensor : report.tensors) {
    if (!tensor.is_input && !tensor.is_output) continue;
    bytes.io += tensor.bytes;
    if (tensor.storage == Storage::kArena) bytes.io_in_arena += tensor.bytes;
  }
}

// The value of an option that the plan records; empty where it does not.
std::string option_of(const Plan& plan, std::string_view name) {
  for (const std::string& option : plan.options) {
    if (option.starts_with(name) && option.substr(name.size()).starts_with('=')) {
      return option.substr(name.size() + 1);
    }
  }
  return "";
}

}  // namespace

std::string_view cost_name(SuggestionCost cost) {
  switch (cost) {
    case SuggestionCost::kNothing:
      return "nothing";
    case SuggestionCost::kTime:
      return "time";
    case SuggestionCost::kAccuracy:
      return "accuracy";
  }
  return "";
}

std::vector<int64_t> live_bytes(const Report& report, const std::vector<bool>& skip,
                                bool skip_scratch) {
  std::vector<int64_t> live(report.steps.size());
  for_each_step(report, skip, skip_scratch, [&](size_t step, const std::vector<Block>& blocks) {
    live[step] = covered_bytes(blocks);
  });
  return live;
}

Report build_report(const Plan& plan, const ReportOptions& options) {
  Report report;
  report.model = options.model.empty() ? plan.model_name : options.model;
  report.graph = plan.model_name;
  report.network = option_of(plan, "network");
  report.target = to_string(plan.target);
  report.producer = plan.producer;
  report.naive_bytes = plan.certificate.naive_bytes;
  report.lower_bound_bytes = plan.certificate.lower_bound_bytes;
  report.bound_kind = plan.certificate.kind;
  report.bound_method = plan.certificate.method;
  report.bytes.arena = plan.arena_bytes;
  report.bytes.constants = plan.constants_bytes;
  report.bytes.state = plan.state_bytes;
  report.bytes.runtime = options.runtime_bytes;
  report.bytes.arena_other_io = options.arena_other_io_bytes;
  report.tensors = make_tensors(plan);
  report.steps = make_steps(plan);
  find_lifetimes(report);
  find_working_sets(report);
  find_peak(report);
  count_classes(report);
  add_suggestions(report);
  return report;
}

}  // namespace memopt
