// Certificates: what parses prints and parses to the same text; what the checker confirms is true:
// the plan is a witness that its own arena is enough.
#include "tests/fuzz/fuzz.h"
#include "tests/support/sample_plan.h"
#include "tools/certificate/certificate.h"
#include "tools/certificate/check.h"

namespace memopt::fuzz {
namespace {

Counter parsed("parsed"), confirmed("confirmed");

struct Subject {
  Plan plan = tiny_plan();
  Result<certificate::Problem> problem = certificate::derive_problem(plan);
};

void fuzz(std::string_view text) {
  const auto certificate = certificate::parse_certificate(text);
  if (!certificate.ok()) return require_expected(certificate.error());
  ++parsed;
  const std::string printed = certificate::to_json(*certificate);
  const auto again = certificate::parse_certificate(printed);
  require(again.ok(), again.ok() ? "" : again.error().message);
  require(certificate::to_json(*again) == printed, "the certificate changes when it is printed");
  static const Subject kSubject;
  require(kSubject.problem.ok(), "the plan makes no problem");
  for (const certificate::Statement& statement : certificate->statements) {
    const Status status = check_statement(statement, kSubject.plan, *kSubject.problem);
    if (!status.ok()) {
      require_expected(status.error());
      continue;
    }
    ++confirmed;
    require(statement.bytes <= kSubject.plan.arena_bytes, "more is proved than the plan needs");
  }
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memopt::fuzz::fuzz(memopt::fuzz::text_of(data, size));
  return 0;
}
