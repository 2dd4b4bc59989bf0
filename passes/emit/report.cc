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

// Bytes covered by blocks that come and go, each in logarithmic time: a tree over the stretches
// between the ends of all of them.
class Coverage {
 public:
  // `ends`: of all blocks there will be.
  explicit Coverage(std::vector<int64_t> ends) : ends_(std::move(ends)) {
    std::sort(ends_.begin(), ends_.end());
    ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
    while (leaves_ + 1 < ends_.size()) leaves_ *= 2;
    nodes_.resize(2 * leaves_);
  }

  void add(const Block& block) { change(block, 1); }
  void remove(const Block& block) { change(block, -1); }
  int64_t bytes() const { return nodes_[1].bytes; }

 private:
  struct Node {
    int64_t bytes = 0;   // covered under it
    int32_t blocks = 0;  // that cover all of it, and not all of its parent
  };

  size_t at(int64_t end) const {
    return static_cast<size_t>(std::lower_bound(ends_.begin(), ends_.end(), end) - ends_.begin());
  }
  void change(const Block& block, int32_t by) {
    if (block.begin < block.end) change(1, 0, leaves_, at(block.begin), at(block.end), by);
  }
  // Node `node` has the stretches [first, last); a stretch k reaches from ends_[k] to ends_[k + 1].
  void change(size_t node, size_t first, size_t last, size_t from, size_t to, int32_t by) {
    if (from >= last || to <= first) return;
    Node& self = nodes_[node];
    if (from <= first && last <= to) {
      self.blocks += by;
    } else {
      const size_t middle = (first + last) / 2;
      change(2 * node, first, middle, from, to, by);
      change(2 * node + 1, middle, last, from, to, by);
    }
    if (self.blocks > 0) {
      self.bytes = ends_[std::min(last, ends_.size() - 1)] - ends_[first];
    } else {
      self.bytes = node < leaves_ ? nodes_[2 * node].bytes + nodes_[2 * node + 1].bytes : 0;
    }
  }

  std::vector<int64_t> ends_;
  size_t leaves_ = 1;
  std::vector<Node> nodes_;
};

Block block_of(const ReportTensor& tensor) { return {tensor.offset, tensor.offset + tensor.bytes}; }
Block scratch_of(const ReportStep& step) {
  return {step.scratch_offset, step.scratch_offset + step.scratch_bytes};
}

bool is_block(const Report& report, uint32_t i) {
  const ReportTensor& tensor = report.tensors[i];
  return tensor.storage == Storage::kArena && tensor.root == i && tensor.bytes > 0 &&
         tensor.begin < tensor.end;
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
  const std::vector<int64_t> live =
      live_bytes(report, std::vector<bool>(report.tensors.size(), false));
  std::vector<Block> at_peak;
  if (!live.empty()) {
    const auto peak = std::max_element(live.begin(), live.end());
    report.peak_step = peak - live.begin();
    report.peak_live_bytes = *peak;
    for (size_t step = 0; step < live.size(); ++step) report.steps[step].live_bytes = live[step];
    for (uint32_t i = 0; i < report.tensors.size(); ++i) {
      const ReportTensor& tensor = report.tensors[i];
      if (is_block(report, i) && tensor.begin <= report.peak_step &&
          report.peak_step < tensor.end) {
        at_peak.push_back(block_of(tensor));
      }
    }
    const ReportStep& step = report.steps[static_cast<size_t>(report.peak_step)];
    if (step.scratch_bytes > 0) at_peak.push_back(scratch_of(step));
    std::sort(at_peak.begin(), at_peak.end(),
              [](const Block& x, const Block& y) { return x.begin < y.begin; });
  }
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

// The values of the options that give extents which the model leaves open.
std::vector<std::string> shapes_of(const Plan& plan) {
  std::vector<std::string> shapes;
  for (const std::string_view option : plan.options) {
    for (const std::string_view name : {"dim=", "shape="}) {
      if (option.starts_with(name)) shapes.emplace_back(option.substr(name.size()));
    }
  }
  return shapes;
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
                                bool skip_scratch, bool padded) {
  const size_t steps = report.steps.size();
  const auto in_arena = [&](const Block& block) {
    const int64_t end = padded ? align_up(block.end, kArenaAlignment) : block.end;
    return Block{block.begin, block.begin < block.end ? end : block.end};
  };
  std::vector<std::vector<uint32_t>> starting(steps), ending(steps + 1);
  std::vector<int64_t> ends;
  const auto note_ends = [&](const Block& block) {
    ends.push_back(block.begin);
    ends.push_back(block.end);
  };
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    if (skip[i] || !is_block(report, i)) continue;
    const ReportTensor& tensor = report.tensors[i];
    starting[static_cast<size_t>(tensor.begin)].push_back(i);
    ending[static_cast<size_t>(tensor.end)].push_back(i);
    note_ends(in_arena(block_of(tensor)));
  }
  for (const ReportStep& step : report.steps) note_ends(in_arena(scratch_of(step)));
  Coverage coverage(std::move(ends));
  std::vector<int64_t> live(steps);
  for (size_t step = 0; step < steps; ++step) {
    for (const uint32_t i : ending[step]) coverage.remove(in_arena(block_of(report.tensors[i])));
    for (const uint32_t i : starting[step]) coverage.add(in_arena(block_of(report.tensors[i])));
    const Block scratch = skip_scratch ? Block{} : in_arena(scratch_of(report.steps[step]));
    coverage.add(scratch);
    live[step] = coverage.bytes();
    coverage.remove(scratch);
  }
  return live;
}

Report build_report(const Plan& plan, const ReportOptions& options) {
  Report report;
  report.model = options.model.empty() ? plan.model_name : options.model;
  report.graph = plan.model_name;
  report.network = option_of(plan, "network");
  report.target = to_string(plan.target);
  report.shapes = shapes_of(plan);
  report.producer = plan.producer;
  report.naive_bytes = plan.certificate.naive_bytes;
  report.lower_bound_bytes = plan.certificate.lower_bound_bytes;
  report.bound_kind = plan.certificate.kind;
  report.bound_method = plan.certificate.method;
  report.bound_is_claimed = options.from_file;
  report.bytes.arena = plan.arena_bytes;
  report.bytes.constants = plan.constants_bytes;
  report.bytes.state = plan.state_bytes;
  report.bytes.runtime = options.runtime_bytes;
  report.bytes.runtime_is_estimate = options.runtime_is_estimate;
  report.bytes.arena_other_io = options.arena_other_io_bytes;
  report.tensors = make_tensors(plan);
  report.states = plan.states;
  report.steps = make_steps(plan);
  find_lifetimes(report);
  find_working_sets(report);
  find_peak(report);
  count_classes(report);
  add_suggestions(report);
  return report;
}

}  // namespace memopt
