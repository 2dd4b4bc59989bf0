#include "passes/emit/report_lock.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

namespace memopt {
namespace {

using nlohmann::json;

// Not literals: comparing JSON with one would allocate where nothing may be thrown.
constexpr std::string_view kSchema = "memopt.lock/2", kOldSchema = "memopt.lock/1";

// The figures that a deployer pays for: what a lock holds and a gate compares.
std::vector<FigureChange> gated_figures(const Report& report) {
  std::vector<FigureChange> figures = compare_figures(report, report);
  std::erase_if(figures, [](const FigureChange& figure) { return !figure.gated; });
  return figures;
}

Status check_network_is_known(const Report& report) {
  if (!report.network.empty()) return {};
  return bad_input("the plan does not say which network it is of; compile the model again");
}

Result<std::string> text_member(const json& file, const char* name) {
  const auto entry = file.find(name);
  if (entry != file.end() && entry->is_string()) return entry->get<std::string>();
  return bad_input("the lock file needs \"" + std::string(name) + "\", a string");
}

}  // namespace

Result<std::string> lock_text(const Report& report) {
  MEMOPT_RETURN_IF_ERROR(check_network_is_known(report));
  json out = {{"schema", kSchema},
              {"model", report.model},
              {"network", report.network},
              {"target", report.target}};
  for (const FigureChange& figure : gated_figures(report)) out[figure.name] = figure.after;
  return json_text(out) + '\n';
}

Result<MemoryLock> parse_lock(std::string_view text) {
  const json file = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object()) return bad_input("a lock file is a JSON object; this is not");
  const auto schema = file.find("schema");
  if (schema != file.end() && *schema == kOldSchema) {
    return bad_input("the lock is of an older memopt; make it again with memopt-inspect lock");
  }
  if (schema == file.end() || *schema != kSchema) {
    return bad_input("not a lock file of schema \"" + std::string(kSchema) + '"');
  }
  MemoryLock lock;
  MEMOPT_ASSIGN_OR_RETURN(lock.model, text_member(file, "model"));
  MEMOPT_ASSIGN_OR_RETURN(lock.network, text_member(file, "network"));
  MEMOPT_ASSIGN_OR_RETURN(lock.target, text_member(file, "target"));
  lock.figures = gated_figures(Report());
  for (FigureChange& figure : lock.figures) {
    const auto entry = file.find(figure.name);
    if (entry == file.end() || !entry->is_number_integer() || *entry < 0 || *entry > INT64_MAX) {
      return bad_input("the lock file needs \"" + figure.name + "\", a number of bytes");
    }
    figure.before = entry->get<int64_t>();
  }
  return lock;
}

Result<std::vector<FigureChange>> compare_with_lock(const MemoryLock& lock, const Report& report,
                                                    bool any_network) {
  MEMOPT_RETURN_IF_ERROR(check_network_is_known(report));
  if (lock.target != report.target) {
    return bad_input("the lock is for target " + lock.target + ", the plan for " + report.target +
                     "; compile with --target " + lock.target);
  }
  if (!any_network && lock.network != report.network) {
    return bad_input("the lock is of another network ('" + lock.model + "', " + lock.network +
                     ") than the plan ('" + report.model + "', " + report.network +
                     "): other operators or shapes; make a new lock or, where this is the same "
                     "model in development, give --any-network");
  }
  std::vector<FigureChange> figures = gated_figures(report);
  for (size_t i = 0; i < figures.size(); ++i) figures[i].before = lock.figures[i].before;
  return figures;
}

}  // namespace memopt
