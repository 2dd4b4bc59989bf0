#include "tools/cli/fits.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "runtime/base/json_text.h"
#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"
#include "tools/cli/budget.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/sizes.h"

namespace memopt {
namespace {

// What a search for a plan within the budget found.
struct Found {
  Plan plan;
  Judgement judgement;
  bool cancelled = false;
};

Result<Found> search(const FitsFlags& flags, int64_t budget_bytes, std::ostream& err) {
  MEMOPT_ASSIGN_OR_RETURN(CompileOptions options, compile_options(flags.compile));
  MEMOPT_ASSIGN_OR_RETURN(ImportedModel imported, import_model(flags.compile, options, err));
  const Cancellation cancellation(flags.compile.time_limit);
  options.buffers.planner.stop = cancellation.token();
  options.budget_bytes = budget_bytes;
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<CompiledModel> compiled,
                          compile_labelled(flags.compile, std::move(imported.graph), options));
  return Found{compiled->plan(), judge_budget(*compiled, budget_bytes), compiled->cancelled};
}

struct Answer {
  int64_t budget_bytes = 0;
  BudgetVerdict verdict = BudgetVerdict::kNotReached;
  const Found* found = nullptr;

  const Plan& plan() const { return found->plan; }
  int64_t margin_bytes() const { return budget_bytes - plan().arena_bytes; }
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

std::string text_of(const Answer& answer) {
  const Plan& plan = answer.plan();
  const std::string arena = both_sizes_text(plan.arena_bytes);
  switch (answer.verdict) {
    case BudgetVerdict::kYes:
      return "yes: the arena is " + arena + ", " + both_sizes_text(answer.margin_bytes()) +
             " below the budget\n";
    case BudgetVerdict::kImpossible:
      return "no, proved: " + printable(answer.found->judgement.proof) +
             "; the smallest arena found is " + arena + '\n';
    case BudgetVerdict::kNotReached:
      break;
  }
  return "not found: the smallest arena found is " + arena + ", " +
         both_sizes_text(-answer.margin_bytes()) + " above the budget; not proved impossible" +
         (answer.found->cancelled ? ", the search was cancelled\n" : "\n");
}

std::string json_of(const Answer& answer, const std::string& model) {
  const Plan& plan = answer.plan();
  const nlohmann::ordered_json json = {{"schema", "memopt.fits/1"},
                                       {"model", model},
                                       {"answer", name_of(answer.verdict)},
                                       {"budget_bytes", answer.budget_bytes},
                                       {"arena_bytes", plan.arena_bytes},
                                       {"margin_bytes", answer.margin_bytes()},
                                       {"lower_bound_bytes", answer.found->judgement.proved_bytes},
                                       {"constants_bytes", plan.constants_bytes},
                                       {"cancelled", answer.found->cancelled}};
  return json_text(json) + '\n';
}

}  // namespace

CLI::App* add_fits(CLI::App& app, FitsFlags& flags) {
  CLI::App* sub = app.add_subcommand(
      "fits", "Does a model fit a budget? Exit 0: yes, 4: no, proved, 5: not as far as found");
  declare_compile_flags(*sub, flags.compile);
  sub->add_option("--budget", flags.budget, "arena bytes allowed, e.g. 8MiB")
      ->required()
      ->type_name("SIZE");
  sub->add_flag("--json", flags.json, "JSON, schema memopt.fits/1, integer bytes");
  return sub;
}

Result<int> answer_fits(const FitsFlags& flags, std::ostream& out, std::ostream& err) {
  MEMOPT_ASSIGN_OR_RETURN(const int64_t budget, parse_size_flag("--budget", flags.budget));
  MEMOPT_ASSIGN_OR_RETURN(const Found found, search(flags, budget, err));
  const Answer answer{budget, found.judgement.verdict, &found};
  out << (flags.json ? json_of(answer, flags.compile.model) : text_of(answer));
  const std::string hint = unit_hint(flags.budget);
  if (!flags.json && answer.verdict != BudgetVerdict::kYes && !hint.empty()) out << hint << '\n';
  return exit_status(answer.verdict);
}

}  // namespace memopt
