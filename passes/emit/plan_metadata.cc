#include "passes/emit/plan_metadata.h"

#include <nlohmann/json.hpp>

#include "runtime/base/json_text.h"

namespace memopt {

std::map<std::string, std::string> plan_metadata(const Plan& plan) {
  using nlohmann::json;
  json order = json::array();
  for (const PlanInstruction& instruction : plan.instructions) order.push_back(instruction.name);
  json offsets = json::object();
  for (const PlanValue& value : plan.values) {
    if (value.storage == Storage::kArena) offsets[value.name] = {value.offset_bytes, value.bytes};
  }
  return {{"memopt.arena_bytes", std::to_string(plan.arena_bytes)},
          {"memopt.lower_bound_bytes", std::to_string(plan.certificate.lower_bound_bytes)},
          {"memopt.target", to_string(plan.target)},
          {"memopt.order", json_text(order, -1)},
          {"memopt.offsets", json_text(offsets, -1)}};
}

}  // namespace memopt
