// Memory problems as comma-separated values: what parses prints and parses to the same problem, and
// planners find valid places for it.
#include <set>

#include "passes/planning/csv.h"
#include "passes/planning/planner.h"
#include "passes/planning/validate.h"
#include "runtime/base/digest.h"
#include "runtime/base/printable.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {
namespace {

Counter parsed("parsed"), planned("planned");

void check_plan(const MemoryProblem& problem, uint64_t choice) {
  PlannerOptions options;
  options.objective = choice % 2 == 0 ? Objective::kMinimize : Objective::kFit;
  options.work_limit = 200;
  if (choice % 3 == 0) options.planner = planners()[choice / 8 % planners().size()].name;
  const auto plan = plan_memory(problem, options);
  if (!plan.ok()) return require_expected(plan.error());
  ++planned;
  const Status valid = validate(problem, *plan);
  require(valid.ok(), valid.ok() ? "" : valid.error().message);
  for (const SpacePlan& space : plan->spaces) {
    require(space.lower_bound_bytes <= space.height_bytes, "a bound above the height");
  }
}

// As print_memory_csv() writes it: what cannot be shown is escaped. False where that makes two
// names one.
bool make_printable(MemoryProblem& problem) {
  std::set<std::string> names;
  for (MemoryBuffer& buffer : problem.buffers) {
    std::string name = printable(buffer.name);
    const bool changed = name != buffer.name;
    buffer.name = std::move(name);
    if (!names.insert(buffer.name).second && changed) return false;
  }
  for (MemorySpace& space : problem.spaces) space.name = printable(space.name);
  return true;
}

void fuzz(std::string_view text) {
  const auto csv = parse_memory_csv(text);
  if (!csv.ok()) return require_expected(csv.error());
  ++parsed;
  std::vector<int64_t> offsets;
  for (const auto& offset : csv->offsets) offsets.push_back(offset.value_or(0));
  const auto printed = print_memory_csv(csv->problem, offsets);
  MemoryProblem problem = csv->problem;
  if (printed.ok() && make_printable(problem)) {
    const auto again = parse_memory_csv(*printed);
    require(again.ok(), again.ok() ? "" : again.error().message);
    require(again->problem == problem, "the problem changes when it is printed");
  }
  if (csv->problem.buffers.size() > 64) return;
  check_plan(csv->problem, digest_of(std::as_bytes(std::span(text))));
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memopt::fuzz::fuzz(memopt::fuzz::text_of(data, size));
  return 0;
}
