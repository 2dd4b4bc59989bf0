#include "tools/cli/pack.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "passes/planning/csv.h"
#include "passes/planning/planner.h"
#include "runtime/base/file.h"
#include "runtime/base/json_text.h"
#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/files.h"
#include "tools/cli/names.h"
#include "tools/cli/progress.h"
#include "tools/cli/sizes.h"
#include "tools/cli/streams.h"

namespace memopt {
namespace {

struct PackOptions {
  std::string problem, output, planner, capacity;
  bool minimize = false, json = false, check = false;
  int64_t work_limit = PlannerOptions{}.work_limit;
  uint64_t seed = PlannerOptions{}.seed;
  std::optional<double> time_limit;
  int threads = PlannerOptions{}.threads;
};

constexpr int64_t kMaxCsvBytes = int64_t{1} << 28;

// "N", for every space, or "name=N,name=N".
Status set_capacities(const std::string& text, MemoryProblem& problem) {
  if (text.empty()) return {};
  std::string rest = text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string part = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const auto named = split_assignment(part);
    bool known = false;
    for (MemorySpace& space : problem.spaces) {
      if (named && space.name != named->first) continue;
      known = true;
      MEMOPT_ASSIGN_OR_RETURN(space.capacity_bytes,
                              parse_size_flag("--capacity", named ? named->second : part));
    }
    if (!known) return Error{Code::kUsage, "--capacity: no space '" + named->first + "'"};
  }
  return {};
}

// The plan that the `offset` column states.
Result<MemoryPlan> stated_plan(const MemoryCsv& csv) {
  MemoryPlan plan;
  plan.spaces.resize(csv.problem.spaces.size());
  for (size_t i = 0; i < csv.problem.buffers.size(); ++i) {
    const MemoryBuffer& buffer = csv.problem.buffers[i];
    if (csv.offsets.empty() || !csv.offsets[i]) {
      return Error{Code::kVerifyFailed, "buffer '" + buffer.name + "' has no offset"};
    }
    plan.offsets.push_back(*csv.offsets[i]);
    SpacePlan& space = plan.spaces[buffer.space];
    space.planner = "given";
    const __int128 top = static_cast<__int128>(*csv.offsets[i]) + buffer.size_bytes;
    if (top <= INT64_MAX)
      space.height_bytes = std::max(space.height_bytes, static_cast<int64_t>(top));
  }
  MEMOPT_RETURN_IF_ERROR(validate(csv.problem, plan));
  for (uint32_t s = 0; s < plan.spaces.size(); ++s) {
    SpacePlan& space = plan.spaces[s];
    space.lower_bound_bytes = lower_bound(csv.problem, s);
    const auto& capacity = csv.problem.spaces[s].capacity_bytes;
    if (capacity && space.height_bytes > *capacity) {
      space.status = space.lower_bound_bytes > *capacity ? ProofStatus::kImpossible
                                                         : ProofStatus::kWorkLimitReached;
    } else if (space.height_bytes == space.lower_bound_bytes) {
      space.status = ProofStatus::kOptimal;
    }
  }
  return plan;
}

// What the search did not look for: packings in which a buffer lies in the part of another one that
// a gap's window leaves free.
constexpr std::string_view kWindowsNote =
    "windows of gaps count in full where the search looks for offsets: plans that use the rest of "
    "a "
    "buffer beside its window may be lower";

bool has_unused_windows(const MemoryProblem& problem, const MemoryPlan& plan, uint32_t space) {
  const ProofStatus status = plan.spaces[space].status;
  if (status == ProofStatus::kOptimal || status == ProofStatus::kFits) return false;
  return std::any_of(
      problem.buffers.begin(), problem.buffers.end(), [&](const MemoryBuffer& buffer) {
        return buffer.space == space &&
               std::any_of(buffer.gaps.begin(), buffer.gaps.end(),
                           [](const MemoryGap& gap) { return gap.window.has_value(); });
      });
}

nlohmann::ordered_json to_json(const MemoryProblem& problem, const MemoryPlan& plan) {
  nlohmann::ordered_json json = {{"schema", "memopt.pack/1"},
                                 {"buffers", problem.buffers.size()},
                                 {"search_work", plan.work},
                                 {"cancelled", plan.cancelled},
                                 {"spaces", nlohmann::ordered_json::array()}};
  for (size_t s = 0; s < plan.spaces.size(); ++s) {
    const SpacePlan& space = plan.spaces[s];
    nlohmann::ordered_json entry = {{"name", problem.spaces[s].name},
                                    {"height_bytes", space.height_bytes},
                                    {"lower_bound_bytes", space.lower_bound_bytes},
                                    {"status", to_string(space.status)},
                                    {"planner", space.planner}};
    if (problem.spaces[s].capacity_bytes)
      entry["capacity_bytes"] = *problem.spaces[s].capacity_bytes;
    if (has_unused_windows(problem, plan, static_cast<uint32_t>(s))) entry["note"] = kWindowsNote;
    json["spaces"].push_back(std::move(entry));
  }
  return json;
}

std::string meaning(const SpacePlan& space, bool cancelled) {
  switch (space.status) {
    case ProofStatus::kOptimal:
      return "proved optimal";
    case ProofStatus::kFits:
      return "fits the capacity";
    case ProofStatus::kImpossible:
      return "the capacity is proved impossible";
    case ProofStatus::kWorkLimitReached:
      return cancelled ? "exceeds the capacity; the search was cancelled"
                       : "exceeds the capacity; the work limit was reached";
    case ProofStatus::kGap:
      break;
  }
  const double percent = 100.0 * static_cast<double>(space.height_bytes - space.lower_bound_bytes) /
                         static_cast<double>(std::max<int64_t>(space.lower_bound_bytes, 1));
  char text[64];
  std::snprintf(text, sizeof(text), "within %.3f %% of the optimum", percent);
  return text;
}

void print_summary(const MemoryProblem& problem, const MemoryPlan& plan, std::ostream& out) {
  for (size_t s = 0; s < plan.spaces.size(); ++s) {
    const SpacePlan& space = plan.spaces[s];
    if (plan.spaces.size() > 1) out << "space '" << printable(problem.spaces[s].name) << "'\n";
    out << "height       " << both_sizes_text(space.height_bytes) << "\nlower bound  "
        << both_sizes_text(space.lower_bound_bytes) << "\nplan         "
        << meaning(space, plan.cancelled) << ", by " << space.planner << '\n';
    if (has_unused_windows(problem, plan, static_cast<uint32_t>(s))) {
      out << "note         " << kWindowsNote << '\n';
    }
  }
}

std::vector<std::string_view> planner_names() {
  std::vector<std::string_view> names;
  for (const Planner& planner : planners()) names.emplace_back(planner.name);
  return names;
}

std::string known_planners() {
  std::string text;
  for (const std::string_view name : planner_names()) {
    text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return "Algorithm: " + text + " (default: exact)";
}

Status check_planner(const std::string& name) {
  const std::vector<std::string_view> known = planner_names();
  if (name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return {};
  return unknown_name("--planner", name, known);
}

Result<MemoryPlan> plan_or_check(const PackOptions& options, const MemoryCsv& csv,
                                 std::ostream& err) {
  if (options.check) return stated_plan(csv);
  const bool fit = !options.capacity.empty() && !options.minimize;
  const Cancellation cancellation(options.time_limit);
  Progress progress(err, isatty(STDERR_FILENO) != 0);
  progress.stage("placement");
  return plan_memory(csv.problem,
                     {.objective = fit ? Objective::kFit : Objective::kMinimize,
                      .planner = options.planner,
                      .work_limit = options.work_limit,
                      .seed = options.seed,
                      .threads = options.threads,
                      .stop = cancellation.token(),
                      .progress = [&progress](std::string_view line) { progress.stage(line); }});
}

Status pack(const PackOptions& options, std::ostream& out, std::ostream& err) {
  MEMOPT_RETURN_IF_ERROR(check_planner(options.planner));
  MEMOPT_ASSIGN_OR_RETURN(const std::string text, read_text_input(options.problem, kMaxCsvBytes));
  Result<MemoryCsv> csv = parse_memory_csv(text);
  if (!csv.ok()) return in_context(options.problem, csv.error());
  MemoryProblem& problem = csv->problem;
  MEMOPT_RETURN_IF_ERROR(set_capacities(options.capacity, problem));
  const Result<MemoryPlan> plan = plan_or_check(options, *csv, err);
  if (!plan.ok()) return in_context(options.problem, plan.error());
  Status capacity = capacity_error(problem, *plan);
  const bool impossible = !capacity.ok() && capacity.error().code == Code::kBudgetImpossible;
  const bool plan_on_out = options.output == "-";
  if (!options.output.empty() && !impossible) {
    MEMOPT_ASSIGN_OR_RETURN(const std::string csv_text, print_memory_csv(problem, plan->offsets));
    if (plan_on_out) {
      out << csv_text;
    } else {
      MEMOPT_RETURN_IF_ERROR(write_file(options.output, csv_text));
    }
  }
  std::ostream& report = plan_on_out ? err : out;
  if (options.json) {
    report << json_text(to_json(problem, *plan)) << '\n';
  } else {
    print_summary(problem, *plan, report);
  }
  if (capacity.ok() && plan->cancelled) {
    return Error{Code::kBudgetNotReached,
                 "the search was cancelled; this is the best plan that it had found"};
  }
  return capacity;
}

}  // namespace

int run_pack(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  PackOptions options;
  const auto app = make_app("pack", "Finds memory offsets for buffers with sizes and lifetimes.");
  app->add_option("problem", options.problem,
                  "CSV with the columns id, lower, upper, size and optionally alignment, gaps, "
                  "fixed_offset, space, conflicts; - for standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  app->add_option(
         "-o,--output", options.output,
         "Where the problem with its offsets goes; - for standard output, the summary then "
         "goes to standard error (default: nowhere)")
      ->type_name(kOutputFileOrStdout);
  app->add_option("--capacity", options.capacity,
                  "Bytes that the plan must fit, e.g. 1048576, 8MiB, or sram=1MiB,dram=64MiB "
                  "(default: no limit)")
      ->type_name("SIZE");
  app->add_flag("--minimize", options.minimize,
                "With --capacity: look for the lowest plan, not only for one that fits");
  app->add_option(
         "--work-limit", options.work_limit,
         "Of the exact search per space, in units of some microseconds; the same limit gives "
         "the same plan on any machine")
      ->check(integer_between(0, kMostWork));
  app->add_option("--time-limit", options.time_limit,
                  "Seconds of planning after which it is cancelled, as by SIGINT, SIGTERM or "
                  "SIGHUP: the best plan so far is written, and the exit status is 5 unless it was "
                  "proved. Not reproducible, unlike --work-limit (default: none)")
      ->check(number_between(0, kMostSeconds));
  app->add_option("--threads", options.threads,
                  "Of the exact search, which has use for two; the plan does not depend on it")
      ->check(integer_between(1, 1024));
  app->add_option("--seed", options.seed, "Of the randomised restarts")
      ->check(integer_between(0, kMostSeed));
  app->add_option("--planner", options.planner, known_planners());
  app->add_flag("--check", options.check,
                "Verify the offsets that the problem's offset column states, instead of planning");
  app->add_flag("--json", options.json, "Print the result as JSON (schema memopt.pack/1)");
  if (const auto exit = parse_arguments(*app, arguments, out, err)) return *exit;
  const Status status = pack(options, out, err);
  return status.ok() ? 0 : report_error(*app, status.error(), err);
}

}  // namespace memopt
