#include "tools/cli/fits.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "runtime/base/json_text.h"
#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"
#include "tools/cli/budget.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/runtime_bytes.h"
#include "tools/cli/sizes.h"

namespace memopt {
namespace {

// What a search for a plan within the budget found.
struct Found {
  Plan plan;
  Judgement judgement;
  int64_t budgeted_bytes = 0;  // what the budget is compared with
  std::string smallest;        // the same in words
  bool cancelled = false;
};

Result<Found> search(const FitsFlags& flags, int64_t budget_bytes, std::ostream& err,
                     const AllocationCounter* counter) {
  MEMOPT_ASSIGN_OR_RETURN(CompileOptions options, compile_options(flags.compile));
  MEMOPT_ASSIGN_OR_RETURN(ImportedModel imported, import_model(flags.compile, options, err));
  const Cancellation cancellation(flags.compile.time_limit);
  options.buffers.planner.stop = cancellation.token();
  options.budget_bytes = budget_bytes;
  options.beside_arena = beside_arena(flags.budget_of, counter);
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<CompiledModel> compiled,
                          compile_labelled(flags.compile, std::move(imported.graph), options));
  return Found{.plan = compiled->plan(),
               .judgement = judge_budget(*compiled, budget_bytes),
               .budgeted_bytes = compiled->budgeted_bytes(),
               .smallest = smallest_text(*compiled),
               .cancelled = compiled->cancelled};
}

struct Answer {
  int64_t budget_bytes = 0;
  BudgetVerdict verdict = BudgetVerdict::kNotReached;
  const Found* found = nullptr;
  PredictedRuntime runtime;

  const Plan& plan() const { return found->plan; }
  int64_t margin_bytes() const { return budget_bytes - found->budgeted_bytes; }
};

const char* name_of(BudgetVerdict verdict) {
  switch (verdict) {
    case BudgetVerdict::kYes:
      return "yes";
    case BudgetVerdict::kImpossible:
      return "impossible";
    case BudgetVerdict::kNotReached:
      return "not_reached";
  }
  return "";
}

int exit_status(BudgetVerdict verdict) {
  switch (verdict) {
    case BudgetVerdict::kYes:
      return 0;
    case BudgetVerdict::kImpossible:
      return static_cast<int>(Code::kBudgetImpossible);
    case BudgetVerdict::kNotReached:
      break;
  }
  return static_cast<int>(Code::kBudgetNotReached);
}

// What the budget does not bound.
std::string beside(const Answer& answer) {
  return "beside the arena: constants " + size_text(answer.plan().constants_bytes) +
         ", structures made at load " + (answer.runtime.is_estimate ? "about " : "") +
         size_text(answer.runtime.bytes) + '\n';
}

std::string text_of(const Answer& answer) {
  const bool arena_alone = answer.found->budgeted_bytes == answer.plan().arena_bytes;
  switch (answer.verdict) {
    case BudgetVerdict::kYes:
      return (arena_alone ? "yes: the arena is " : "yes: arena and structures made at load are ") +
             both_sizes_text(answer.found->budgeted_bytes) + ", " +
             both_sizes_text(answer.margin_bytes()) + " below the budget\n";
    case BudgetVerdict::kImpossible:
      return "no, proved: " + printable(answer.found->judgement.proof) + "; " +
             answer.found->smallest + '\n';
    case BudgetVerdict::kNotReached:
      break;
  }
  return "not found: " + answer.found->smallest + ", " + both_sizes_text(-answer.margin_bytes()) +
         " above the budget; not proved impossible" +
         (answer.found->cancelled ? ", the search was cancelled\n" : "\n");
}

std::string json_of(const Answer& answer, const std::string& model, const std::string& budget_of) {
  const Plan& plan = answer.plan();
  const nlohmann::ordered_json json = {{"schema", "memopt.fits/1"},
                                       {"model", model},
                                       {"answer", name_of(answer.verdict)},
                                       {"budget_bytes", answer.budget_bytes},
                                       {"budget_of", budget_of},
                                       {"arena_bytes", plan.arena_bytes},
                                       {"margin_bytes", answer.margin_bytes()},
                                       {"lower_bound_bytes", answer.found->judgement.proved_bytes},
                                       {"constants_bytes", plan.constants_bytes},
                                       {"runtime_bytes", answer.runtime.bytes},
                                       {"runtime_is_estimate", answer.runtime.is_estimate},
                                       {"cancelled", answer.found->cancelled}};
  return json_text(json) + '\n';
}

}  // namespace

CLI::App* add_fits(CLI::App& app, FitsFlags& flags) {
  CLI::App* sub = app.add_subcommand(
      "fits", "Does a model fit a budget? Exit 0: yes, 4: no, proved, 5: not as far as found");
  declare_compile_flags(*sub, flags.compile);
  sub->add_option("--budget", flags.budget, "bytes allowed, e.g. 8MiB")
      ->required()
      ->type_name("SIZE");
  add_budget_of(*sub, flags.budget_of);
  sub->add_flag("--json", flags.json, "JSON, schema memopt.fits/1, integer bytes");
  return sub;
}

Result<int> answer_fits(const FitsFlags& flags, std::ostream& out, std::ostream& err,
                        const AllocationCounter* counter) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t budget, parse_size_flag("--budget", flags.budget));
  MEMOPT_ASSIGN_OR_RETURN(const Found found, search(flags, budget, err, counter));
  MEMOPT_ASSIGN_OR_RETURN(const PredictedRuntime runtime, predict_runtime(found.plan, counter));
  const Answer answer{budget, found.judgement.verdict, &found, runtime};
  out << (flags.json ? json_of(answer, flags.compile.model, flags.budget_of)
                     : text_of(answer) + beside(answer));
  const std::string hint = unit_hint(flags.budget);
  if (!flags.json && answer.verdict != BudgetVerdict::kYes && !hint.empty()) out << hint << '\n';
  return exit_status(answer.verdict);
}

}  // namespace memopt
