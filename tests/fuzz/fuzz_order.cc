// Ordering problems as text: what the search returns is an order, costs what it says, and keeps the
// bounds.
#include "passes/planning/order_text.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {
namespace {

Counter parsed("parsed");

void fuzz(std::string_view text) {
  const auto problem = parse_order_problem(text);
  if (!problem.ok()) return require_expected(problem.error());
  ++parsed;
  if (problem->scratch_bytes.size() > 64) return;
  const auto result = order_ops(*problem, {.bound_work = 2000,
                                           .exact_work = 2000,
                                           .window_work = 2000,
                                           .window_work_per_op = 50,
                                           .beam_width = 4,
                                           .stop = {}});
  if (!result.ok()) return require_expected(result.error());
  const auto simulated = simulate_order(*problem, result->order);
  require(simulated.ok(), simulated.ok() ? "" : simulated.error().message);
  require(simulated->peak_bytes == result->peak_bytes, "the order does not cost what it should");
  require(result->lower_bound_bytes <= result->peak_bytes, "a bound above the peak");
  require(result->peak_bytes <= result->given_peak_bytes, "worse than the given order");
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memopt::fuzz::fuzz(memopt::fuzz::text_of(data, size));
  return 0;
}
