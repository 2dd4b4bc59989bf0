#include "tools/cli/verify.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "runtime/base/json_text.h"
#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"
#include "runtime/plan/verify.h"
#include "tools/certificate/check.h"
#include "tools/cli/certificate_text.h"
#include "tools/cli/files.h"
#include "tools/cli/plan_input.h"
#include "tools/cli/streams.h"

namespace memopt {
namespace {

constexpr int64_t kMaxCertificateBytes = int64_t{64} << 20;

struct Options {
  std::string plan;
  std::string certificate;
  bool json = false;
  bool dump = false;
};

// Loading proves the structure, the digests and the use of memory; the kernels are left.
Status verify_file(const PlanInput& input, std::shared_ptr<const LoadedPlan>& loaded) {
  LoadOptions options;
  options.verify_constants = true;
  MEMOPT_ASSIGN_OR_RETURN(loaded, input.load(options));
  for (size_t i = 0; i < loaded->plan().instructions.size(); ++i) {
    const Status status = verify_kernel(loaded->plan(), {&i, 1});
    if (!status.ok()) return in_context(input.name(), status.error());
  }
  return {};
}

// Reads the certificate and checks it against the plan.
Result<certificate::Certificate> verify_certificate(const Options& options, const PlanInput& input,
                                                    const Plan& plan) {
  MEMOPT_ASSIGN_OR_RETURN(const std::string text,
                          read_text_input(options.certificate, kMaxCertificateBytes));
  auto parsed = certificate::parse_certificate(text);
  if (!parsed.ok()) return in_context(options.certificate, parsed.error());
  MEMOPT_ASSIGN_OR_RETURN(const std::string digest, input.digest());
  const Status status = certificate::check_certificate(*parsed, plan, digest);
  if (!status.ok()) return in_context(options.certificate, status.error());
  return parsed;
}

void add_certificate(nlohmann::ordered_json& result, const certificate::Certificate& certificate,
                     const Plan& plan) {
  auto& statements = result["statements"] = nlohmann::ordered_json::array();
  for (const certificate::Statement& statement : certificate.statements) {
    statements.push_back({{"orders", statement.orders == BoundKind::kAllOrders ? "all" : "this"},
                          {"lower_bound_bytes", statement.bytes},
                          {"gap_bytes", plan.arena_bytes - statement.bytes},
                          {"witness", certificate::witness_name(statement.witness)},
                          {"sentence", sentence(statement, plan)}});
  }
}

}  // namespace

int run_verify(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  Options options;
  const auto app = make_app("verify",
                            "Checks that a plan is complete, undamaged and safe to run; with a "
                            "certificate, that no plan of these operators needs less arena.");
  app->add_option("plan", options.plan, "Plan file; - reads standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  app->add_option("--certificate", options.certificate,
                  "Also check what this certificate (memopt-compile --certificate) states; - reads "
                  "standard input")
      ->type_name(kInputFileOrStdin);
  app->add_flag("--json", options.json, "Print the result as JSON");
  app->add_flag("--dump", options.dump, "Print the whole plan as text, even if it is not sound");
  if (const auto exit = parse_arguments(*app, arguments, out, err)) return *exit;

  const Result<PlanInput> input = PlanInput::open(options.plan);
  if (!input.ok()) return report_error(*app, input.error(), err);
  if (options.dump) {
    const Result<Plan> plan = input->decode();
    if (!plan.ok()) return report_error(*app, plan.error(), err);
    out << dump_plan(*plan);
  }
  std::shared_ptr<const LoadedPlan> loaded;
  Status status = verify_file(*input, loaded);
  std::optional<certificate::Certificate> certificate;
  if (status.ok() && !options.certificate.empty()) {
    auto checked = verify_certificate(options, *input, loaded->plan());
    if (checked.ok()) {
      certificate = *std::move(checked);
    } else {
      status = checked.error();
    }
  }
  if (options.json) {
    nlohmann::ordered_json result = {{"schema", 1}, {"plan", input->name()}, {"ok", status.ok()}};
    if (status.ok()) {
      const Plan& plan = loaded->plan();
      result["instructions"] = plan.instructions.size();
      result["values"] = plan.values.size();
      result["arena_bytes"] = plan.arena_bytes;
      result["constants_bytes"] = plan.constants_bytes;
      result["claimed_lower_bound_bytes"] = plan.certificate.lower_bound_bytes;
      result["claimed_naive_bytes"] = plan.certificate.naive_bytes;
      if (certificate) add_certificate(result, *certificate, plan);
    } else {
      result["error"] = status.error().message;
    }
    out << json_text(result) << '\n';
  }
  if (!status.ok()) return report_error(*app, status.error(), err);
  if (!options.json) {
    const Plan& plan = loaded->plan();
    out << printable(input->name()) << ": verified. " << plan.instructions.size()
        << " instructions, " << plan.values.size() << " values, arena "
        << both_sizes_text(plan.arena_bytes) << ", constants "
        << both_sizes_text(plan.constants_bytes) << " (digest right).\n";
    if (certificate) {
      out << certificate_text(*certificate, plan);
    } else {
      out << "The plan claims a lower bound of "
          << both_sizes_text(plan.certificate.lower_bound_bytes)
          << "; --certificate checks such claims.\n";
    }
  }
  return 0;
}

}  // namespace memopt
