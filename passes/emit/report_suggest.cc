// "What to try next": every figure that can be is recomputed from the plan's own lifetimes with the
// thing in question taken out; the others say that they are estimates.
#include <algorithm>
#include <string>

#include "passes/emit/report.h"
#include "passes/emit/text_table.h"

namespace memopt {
namespace {

int64_t largest(const std::vector<int64_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

// Names come from models and may be pages long.
std::string in_quotes(const std::string& name) { return '\'' + printable(name, 60) + '\''; }

class Suggester {
 public:
  explicit Suggester(Report& report)
      : report_(report),
        padded_peak_bytes_(largest(live_bytes(report, nothing(), false, /*padded=*/true))) {}

  void run() {
    suggest_placement();
    suggest_order();
    suggest_caller_io();
    suggest_scratch();
    suggest_bystanders();
    suggest_tiles();
    suggest_micro_batches();
    suggest_number_formats();
    std::stable_sort(report_.suggestions.begin(), report_.suggestions.end(),
                     [](const Suggestion& a, const Suggestion& b) {
                       if (a.cost != b.cost) return a.cost < b.cost;
                       return a.saves_bytes > b.saves_bytes;
                     });
  }

 private:
  // What costs time must save at least a hundredth of the arena to be worth a line.
  void add(Suggestion suggestion) {
    const int64_t least =
        suggestion.cost == SuggestionCost::kTime ? report_.bytes.arena / 100 + 1 : 1;
    if (suggestion.saves_bytes >= least) report_.suggestions.push_back(std::move(suggestion));
  }

  std::vector<bool> nothing() const { return std::vector<bool>(report_.tensors.size(), false); }

  // How far the peak of live bytes, padding included, falls without these roots.
  int64_t saved_without(const std::vector<bool>& skip, bool skip_scratch = false) const {
    return padded_peak_bytes_ - largest(live_bytes(report_, skip, skip_scratch, /*padded=*/true));
  }

  void suggest_placement() {
    add({.action = "Spend more work on the placement (--search-limit)",
         .reason = "The arena is larger than the live bytes at its peak.",
         .saves_bytes =
             report_.bytes.arena - std::max(report_.peak_live_bytes, report_.lower_bound_bytes),
         .cost = SuggestionCost::kNothing});
  }

  void suggest_order() {
    if (report_.bound_kind == BoundKind::kAllOrders) {
      add({.action = "Search longer for a better order of the steps",
           .reason = "The bound holds for all orders, and this order needs more.",
           .saves_bytes = report_.peak_live_bytes - report_.lower_bound_bytes,
           .estimate = true,
           .cost = SuggestionCost::kNothing});
      return;
    }
    int64_t widest = 0;
    for (const ReportStep& step : report_.steps) widest = std::max(widest, step.working_set_bytes);
    add({.action = "Search for a better order of the steps",
         .reason = "The bound holds for this order only. At most this much: no order needs less "
                   "than the largest step's own operands and scratch.",
         .saves_bytes = report_.peak_live_bytes - widest,
         .estimate = true,
         .cost = SuggestionCost::kNothing});
  }

  void suggest_caller_io() {
    std::vector<bool> skip = nothing();
    for (const ReportTensor& tensor : report_.tensors) {
      if (tensor.is_input || tensor.is_output) skip[tensor.root] = true;
    }
    add({.action = "Bind inputs and outputs to the caller's own buffers (--io=caller)",
         .reason = "They are in the arena. The caller then holds these bytes, without a copy.",
         .saves_bytes = saved_without(skip),
         .cost = SuggestionCost::kNothing});
  }

  void suggest_scratch() {
    add({.action = "Choose kernels with less scratch",
         .reason = "What the arena would need if no kernel used any scratch.",
         .saves_bytes = saved_without(nothing(), true),
         .cost = SuggestionCost::kTime});
  }

  // Tensors that the peak step does not use but that must survive it.
  void suggest_bystanders() {
    constexpr size_t kMost = 2;
    if (report_.steps.empty()) return;
    const ReportStep& peak = report_.steps[static_cast<size_t>(report_.peak_step)];
    const auto used_by_peak = [&](uint32_t root) {
      const auto is_root = [&](uint32_t i) { return report_.tensors[i].root == root; };
      return std::any_of(peak.inputs.begin(), peak.inputs.end(), is_root) ||
             std::any_of(peak.outputs.begin(), peak.outputs.end(), is_root);
    };
    size_t found = 0;
    for (const uint32_t i : report_.peak_tensors) {  // largest first
      const ReportTensor& tensor = report_.tensors[i];
      if (tensor.is_input || tensor.is_output || used_by_peak(i)) continue;
      if (++found > kMost) break;
      std::vector<bool> skip = nothing();
      skip[i] = true;
      add({.action = "Recompute " + in_quotes(tensor.name) + " or keep it elsewhere meanwhile",
           .reason = "It only waits while the peak step " + in_quotes(peak.name) + " runs: steps " +
                     std::to_string(tensor.begin) + " to " + std::to_string(tensor.end - 1) + '.',
           .saves_bytes = saved_without(skip),
           .cost = SuggestionCost::kTime});
    }
  }

  // Operands of the highest steps can be made and used piece by piece. Where several steps share
  // the peak, one tensor less changes nothing: takes the largest operand of the highest step away,
  // again and again, until the peak has fallen by a quarter.
  void suggest_tiles() {
    constexpr size_t kMostOfAll = 32, kStepsOfAll = 500'000;  // each looks at every step
    const size_t most = std::min(kMostOfAll, kStepsOfAll / (report_.steps.size() + 1) + 1);
    std::vector<bool> skip = nothing();
    std::vector<uint32_t> taken;
    std::vector<int64_t> live = live_bytes(report_, skip);
    while (!live.empty() && taken.size() < most &&
           4 * largest(live) > 3 * report_.peak_live_bytes) {
      const auto highest = std::max_element(live.begin(), live.end()) - live.begin();
      const std::optional<uint32_t> root =
          largest_operand(report_.steps[static_cast<size_t>(highest)], skip);
      if (!root) break;
      skip[*root] = true;
      taken.push_back(*root);
      live = live_bytes(report_, skip);
    }
    if (taken.empty()) return;
    const std::string first = in_quotes(report_.tensors[taken.front()].name);
    add({.action = taken.size() == 1 ? "Compute " + first + " in tiles"
                                     : "Compute " + std::to_string(taken.size()) +
                                           " tensors in tiles, " + first + " first",
         .reason =
             taken.size() == 1
                 ? "The largest operand of the peak step; at most this much, less what halos "
                   "and staging need."
                 : "Several steps are near the peak and all of them must shrink; at most this "
                   "much, less what halos and staging need.",
         .saves_bytes = report_.peak_live_bytes - largest(live),
         .cost = SuggestionCost::kTime});
  }

  // The largest root in the arena that the step uses, that is no input or output and not in `skip`.
  std::optional<uint32_t> largest_operand(const ReportStep& step,
                                          const std::vector<bool>& skip) const {
    std::optional<uint32_t> best;
    for (const auto* operands : {&step.inputs, &step.outputs}) {
      for (const uint32_t i : *operands) {
        const uint32_t root = report_.tensors[i].root;
        const ReportTensor& tensor = report_.tensors[root];
        if (tensor.storage != Storage::kArena || tensor.is_input || tensor.is_output ||
            skip[root]) {
          continue;
        }
        if (!best || tensor.bytes > report_.tensors[*best].bytes) best = root;
      }
    }
    return best;
  }

  void suggest_micro_batches() {
    int64_t batch = 0;
    for (const ReportTensor& tensor : report_.tensors) {
      if (!tensor.is_input) continue;
      const int64_t first = tensor.type.dims.empty() ? 0 : tensor.type.dims[0];
      if (first <= 1 || (batch != 0 && first != batch)) return;  // no common batch dimension
      batch = first;
    }
    if (batch < 2) return;
    add({.action = "Run the batch of " + std::to_string(batch) + " one by one (micro-batches)",
         .reason = "If the first dimension of every input is a batch.",
         .saves_bytes = report_.bytes.arena_activations / batch * (batch - 1),
         .estimate = true,
         .cost = SuggestionCost::kTime});
  }

  void suggest_number_formats() {
    std::vector<bool> f32 = nothing();
    int64_t f32_constants = 0;
    for (uint32_t i = 0; i < report_.tensors.size(); ++i) {
      const ReportTensor& tensor = report_.tensors[i];
      if (tensor.type.dtype != DType::kF32 || tensor.root != i) continue;
      f32[i] = true;
      if (tensor.storage == Storage::kConstant) f32_constants += tensor.bytes;
    }
    const std::vector<int64_t> others = live_bytes(report_, f32);
    const auto saved_at = [&](int divisor) {
      int64_t peak = 0;
      for (size_t step = 0; step < others.size(); ++step) {
        const int64_t floats = report_.steps[step].live_bytes - others[step];
        peak = std::max(peak, others[step] + floats / divisor);
      }
      return report_.peak_live_bytes - peak;
    };
    const char* const activations = "Activations only; scratch and reorders may change.";
    const char* const weights = "Weights in the plan file; check the outputs.";
    for (const auto& [name, divisor] : {std::pair("fp16", 2), std::pair("int8", 4)}) {
      add({.action = std::string("Store activations as ") + name,
           .reason = activations,
           .saves_bytes = saved_at(divisor),
           .estimate = true,
           .cost = SuggestionCost::kAccuracy});
      add({.action = std::string("Store constants as ") + name,
           .reason = weights,
           .saves_bytes = f32_constants / divisor * (divisor - 1),
           .constants = true,
           .estimate = true,
           .cost = SuggestionCost::kAccuracy});
    }
  }

  Report& report_;
  const int64_t padded_peak_bytes_;
};

}  // namespace

void add_suggestions(Report& report) { Suggester(report).run(); }

}  // namespace memopt
