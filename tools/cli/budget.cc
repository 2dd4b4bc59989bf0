#include "tools/cli/budget.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "passes/emit/report.h"
#include "passes/emit/report_budget.h"
#include "runtime/base/file.h"
#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"
#include "tools/cli/sizes.h"

namespace memopt {
namespace {

double slowdown(const CompiledModel& model) {
  const auto& points = model.curve->points;
  for (const BudgetPoint& point : points) {
    if (point.moves.size() == model.moves.size() && point.predicted_ns > 0 &&
        point.arena_bytes == model.lowered.arena_bytes()) {
      return point.predicted_ns / points.front().predicted_ns;
    }
  }
  return points.back().predicted_ns / std::max(points.front().predicted_ns, 1.0);
}

}  // namespace

std::string smallest_text(const CompiledModel& model) {
  const std::string arena = both_sizes_text(model.plan().arena_bytes);
  if (model.beside_arena_bytes == 0) return "the smallest arena found is " + arena;
  return "the smallest sum found is " + both_sizes_text(model.budgeted_bytes()) + " (arena " +
         arena + ", made at load " + both_sizes_text(model.beside_arena_bytes) + ')';
}

Result<MemoryBudget> parse_budget(const std::string& text) {
  if (text == "min") return MemoryBudget{.bytes = 0, .is_min = true};
  MEMOPT_ASSIGN_OR_RETURN(const int64_t bytes, parse_size_flag("--memory-budget", text));
  return MemoryBudget{.bytes = bytes, .is_min = false};
}

void add_budget_of(CLI::App& app, std::string& budget_of) {
  app.add_option("--budget-of", budget_of,
                 "what the budget bounds: arena, or process: the arena and the structures made at "
                 "load (constants are mapped and shared)")
      ->check(CLI::IsMember({"arena", "process"}));
}

std::function<Result<int64_t>(const Plan&)> beside_arena(const std::string& budget_of,
                                                         const AllocationCounter* counter) {
  if (budget_of != "process") return nullptr;
  return [counter](const Plan& plan) -> Result<int64_t> {
    MEMOPT_ASSIGN_OR_RETURN(const PredictedRuntime runtime, predict_runtime(plan, counter));
    return runtime.bytes;
  };
}

Result<std::string> rise_text(const CompiledModel& model, const PredictedRuntime& now,
                              const AllocationCounter* counter) {
  if (!model.unbudgeted) return std::string();
  MEMOPT_ASSIGN_OR_RETURN(const PredictedRuntime before,
                          predict_runtime(*model.unbudgeted, counter));
  if (now.bytes <= before.bytes) return std::string();
  return "\nThe arena fell by " +
         both_sizes_text(model.unbudgeted->arena_bytes - model.plan().arena_bytes) +
         ", the structures made at load rose by " + both_sizes_text(now.bytes - before.bytes) +
         (now.is_estimate ? ", as estimated" : "") + "; --budget-of process bounds their sum.\n";
}

Judgement judge_budget(const CompiledModel& model, int64_t budget_bytes) {
  const Plan& plan = model.plan();
  Judgement judgement;
  // Where rewrites were allowed, only what holds for all of them is proved.
  if (model.curve) {
    judgement.proved_bytes = model.curve->floor_bytes;
    judgement.proof =
        "no order, placement, tiling or second computation of these operators needs "
        "less than " +
        both_sizes_text(model.curve->floor_bytes) + ": " + model.curve->floor_reason;
  } else if (plan.certificate.kind == BoundKind::kAllOrders) {
    judgement.proved_bytes = plan.certificate.lower_bound_bytes;
    judgement.proof = "no order and no placement of these operators needs less than " +
                      both_sizes_text(plan.certificate.lower_bound_bytes);
  }
  if (model.budgeted_bytes() <= budget_bytes) {
    judgement.verdict = BudgetVerdict::kYes;
  } else if (judgement.proved_bytes > budget_bytes) {
    judgement.verdict = BudgetVerdict::kImpossible;
  }
  return judgement;
}

Result<CostModel> read_cost_model(const std::string& path) {
  constexpr int64_t kMostBytes = int64_t{1} << 20;
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, read_file(path, kMostBytes));
  auto model = parse_cost_model({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!model.ok()) return in_context(path, model.error());
  return model;
}

Status check_budget(const CompiledModel& model, const std::string& budget) {
  MEMOPT_ASSIGN_OR_RETURN(const MemoryBudget parsed, parse_budget(budget));
  const int64_t budget_bytes = parsed.bytes;
  const Judgement judgement = judge_budget(model, budget_bytes);
  if (parsed.is_min || judgement.verdict == BudgetVerdict::kYes) return {};
  std::string message = "memory budget " + both_sizes_text(budget_bytes) + ": " +
                        smallest_text(model) + ", " +
                        both_sizes_text(model.budgeted_bytes() - budget_bytes) + " more; ";
  const bool impossible = judgement.verdict == BudgetVerdict::kImpossible;
  message += impossible        ? judgement.proof
             : model.cancelled ? "the search was cancelled"
                               : "not proved impossible";
  if (const std::string hint = unit_hint(budget); !hint.empty()) message += "; " + hint;
  return Error{impossible ? Code::kBudgetImpossible : Code::kBudgetNotReached, message};
}

std::string peak_text(const Plan& plan) {
  const Report report = build_report(plan);
  if (report.steps.empty()) return "";
  const ReportStep& step = report.steps[static_cast<size_t>(report.peak_step)];
  std::string text = "The peak is at step " + std::to_string(report.peak_step) + " '" +
                     printable(step.name, 60) + "' (" + step.op + ") with " +
                     size_text(step.live_bytes) + " live.\n";
  constexpr size_t kMost = 4;
  for (size_t i = 0; i < std::min(kMost, report.suggestions.size()); ++i) {
    const Suggestion& suggestion = report.suggestions[i];
    text += "  try: " + printable(suggestion.action, 160) + " (saves " +
            (suggestion.estimate ? std::string("about ") : std::string()) +
            size_text(suggestion.saves_bytes) + ")\n";
  }
  return text;
}

std::string budget_outcome(const CompiledModel& model) {
  if (!model.curve) return {};
  std::ostringstream out;
  if (!model.moves.empty()) {
    out.precision(3);
    out << "\nFor the budget (predicted time " << slowdown(model) << " x):\n";
    for (const Move& move : model.moves) {
      out << "  " << printable(describe(model.curve->base, move), 160) << '\n';
    }
  }
  out << "\nMemory against time:\n" << budget_text(*model.curve);
  return out.str();
}

Status write_pareto(const CompiledModel& model, const std::string& name, const std::string& path) {
  MEMOPT_CHECK(model.curve.has_value());
  const bool is_page = std::filesystem::path(path).extension() == ".html";
  const std::string& shown = name.empty() ? model.plan().model_name : name;
  return write_file(path,
                    is_page ? budget_html(*model.curve, shown) : budget_json(*model.curve, shown));
}

}  // namespace memopt
