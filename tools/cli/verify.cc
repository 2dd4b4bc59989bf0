#include "tools/cli/verify.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "runtime/plan/load.h"
#include "runtime/plan/verify.h"
#include "tools/cli/sizes.h"

namespace memopt {
namespace {

struct Options {
  std::string plan;
  bool json = false;
  bool dump = false;
};

// Loading proves the structure, the digests and the use of memory; the kernels are left.
Status verify_file(const std::string& path, std::shared_ptr<const LoadedPlan>& loaded) {
  LoadOptions options;
  options.verify_constants = true;
  MEMOPT_ASSIGN_OR_RETURN(loaded, load_plan(path, options));
  for (size_t i = 0; i < loaded->plan().instructions.size(); ++i) {
    const Status status = verify_kernel(loaded->plan(), i);
    if (!status.ok()) return in_context(path, status.error());
  }
  return {};
}

}  // namespace

int run_verify(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  Options options;
  const auto app = make_app("verify", "Checks that a plan is complete, undamaged and safe to run.");
  app->add_option("plan", options.plan, "Plan file")->required();
  app->add_flag("--json", options.json, "Print the result as JSON");
  app->add_flag("--dump", options.dump, "Print the whole plan as text, even if it is not sound");
  if (const auto exit = parse_arguments(*app, arguments, out, err)) return *exit;

  if (options.dump) {
    const Result<Plan> plan = read_plan(options.plan);
    if (!plan.ok()) return report_error(*app, plan.error(), err);
    out << dump_plan(*plan);
  }
  std::shared_ptr<const LoadedPlan> loaded;
  const Status status = verify_file(options.plan, loaded);
  if (options.json) {
    nlohmann::ordered_json result = {{"schema", 1}, {"plan", options.plan}, {"ok", status.ok()}};
    if (status.ok()) {
      const Plan& plan = loaded->plan();
      result["instructions"] = plan.instructions.size();
      result["values"] = plan.values.size();
      result["arena_bytes"] = plan.arena_bytes;
      result["constants_bytes"] = plan.constants_bytes;
    } else {
      result["error"] = status.error().message;
    }
    out << result.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }
  if (!status.ok()) return report_error(*app, status.error(), err);
  if (!options.json) {
    const Plan& plan = loaded->plan();
    out << options.plan << ": verified. " << plan.instructions.size() << " instructions, "
        << plan.values.size() << " values, arena " << format_size(plan.arena_bytes)
        << ", constants " << format_size(plan.constants_bytes) << " (digest right).\n";
  }
  return 0;
}

}  // namespace memopt
