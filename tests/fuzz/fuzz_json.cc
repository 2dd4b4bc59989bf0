// Lock files and cost models, both JSON; whichever the text parses as.
#include "passes/analysis/cost.h"
#include "passes/emit/report_lock.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/sample_plan.h"

namespace memopt::fuzz {
namespace {

Counter locks("locks"), models("cost_models");

void fuzz_lock(std::string_view text) {
  static const Report kReport = build_report(tiny_plan());
  const auto lock = parse_lock(text);
  if (!lock.ok()) return require_expected(lock.error());
  const auto figures = compare_with_lock(*lock, kReport, /*any_network=*/true);
  if (!figures.ok()) return require_expected(figures.error());
  ++locks;
  const Status status = check_growth(*figures, kReport);
  require(status.ok() || status.error().code == Code::kRegression, "no verdict on a lock");
}

void fuzz_cost_model(std::string_view text) {
  const auto model = parse_cost_model(text);
  if (!model.ok()) return require_expected(model.error());
  ++models;
  const std::string printed = cost_model_json(*model);
  const auto again = parse_cost_model(printed);
  require(again.ok(), again.ok() ? "" : again.error().message);
  require(*again == *model, "the cost model changes when it is printed");
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = memopt::fuzz::text_of(data, size);
  memopt::fuzz::fuzz_lock(text);
  memopt::fuzz::fuzz_cost_model(text);
  return 0;
}
