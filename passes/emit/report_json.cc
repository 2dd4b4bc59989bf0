#include "passes/emit/report_json.h"

#include "nlohmann/json.hpp"
#include "runtime/base/json_text.h"

namespace memopt {
namespace {

using nlohmann::json;

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

json tensor_json(const ReportTensor& tensor, uint32_t index) {
  json out = {{"name", tensor.name},
              {"type", to_string(tensor.type)},
              {"storage", storage_name(tensor.storage)},
              {"bytes", tensor.bytes},
              {"offset", tensor.offset},
              {"begin", tensor.begin},
              {"end", tensor.end},
              {"producer", or_null(tensor.producer)}};
  if (tensor.root != index) {
    out["root"] = tensor.root;
    out["alias"] = tensor.whole_alias ? "whole" : "part";
  }
  if (tensor.is_input) out["input"] = true;
  if (tensor.is_output) out["output"] = true;
  return out;
}

json step_json(const ReportStep& step) {
  json out = {{"name", step.name},
              {"op", step.op},
              {"kernel", step.kernel},
              {"live_bytes", step.live_bytes},
              {"working_set_bytes", step.working_set_bytes},
              {"inputs", step.inputs},
              {"outputs", step.outputs}};
  if (step.scratch_bytes > 0) {
    out["scratch_bytes"] = step.scratch_bytes;
    out["scratch_offset"] = step.scratch_offset;
  }
  return out;
}

json suggestion_json(const Suggestion& suggestion) {
  return {
      {"action", suggestion.action},           {"reason", suggestion.reason},
      {"saves_bytes", suggestion.saves_bytes}, {"of", suggestion.constants ? "constants" : "arena"},
      {"estimate", suggestion.estimate},       {"costs", cost_name(suggestion.cost)}};
}

json summary_json(const Report& report) {
  const ReportBytes& bytes = report.bytes;
  json out = {{"schema", "memopt.report/1"},
              {"model", report.model},
              {"graph", report.graph},
              {"target", report.target},
              {"shapes", report.shapes},
              {"producer", report.producer},
              {"naive_bytes", report.naive_bytes},
              {"arena_bytes", bytes.arena},
              {"lower_bound_bytes", report.lower_bound_bytes},
              {"bound_is_claimed", report.bound_is_claimed},
              {"gap_bytes", report.gap_bytes()},
              {"scratch_bytes", bytes.max_scratch},
              {"constants_bytes", bytes.constants},
              {"io_bytes", bytes.io},
              {"state_bytes", bytes.state},
              {"runtime_bytes", or_null(bytes.runtime)},
              {"runtime_is_estimate", bytes.runtime_is_estimate},
              {"total_bytes", bytes.total()},
              {"step_count", report.steps.size()},
              {"tensor_count", report.tensors.size()},
              {"arena",
               {{"activations_bytes", bytes.arena_activations},
                {"scratch_bytes", bytes.arena_scratch},
                {"padding_bytes", bytes.arena_padding},
                {"fragmentation_bytes", bytes.arena_fragmentation}}},
              {"io",
               {{"arena_bytes", bytes.io_in_arena},
                {"caller_bytes", bytes.io - bytes.io_in_arena},
                {"other_way_arena_bytes", or_null(bytes.arena_other_io)}}},
              {"certificate",
               {{"kind", bound_kind_name(report.bound_kind)},
                {"method", report.bound_method},
                {"optimal", report.proved_optimal()}}}};
  out["states"] = json::array();
  for (const PlanState& state : report.states) {
    const ReportTensor& before = report.tensors[state.before];
    out["states"].push_back({{"name", before.name},
                             {"next", report.tensors[state.after].name},
                             {"type", to_string(before.type)},
                             {"bytes", before.bytes}});
  }
  json peak = {{"live_bytes", report.peak_live_bytes}, {"tensors", json::array()}};
  if (!report.steps.empty()) {
    peak["step"] = report.peak_step;
    peak["name"] = report.steps[static_cast<size_t>(report.peak_step)].name;
  }
  for (const uint32_t i : report.peak_tensors) {
    const ReportTensor& tensor = report.tensors[i];
    peak["tensors"].push_back({{"index", i}, {"name", tensor.name}, {"bytes", tensor.bytes}});
  }
  out["peak"] = std::move(peak);
  out["suggestions"] = json::array();
  for (const Suggestion& suggestion : report.suggestions) {
    out["suggestions"].push_back(suggestion_json(suggestion));
  }
  return out;
}

}  // namespace

std::string report_json(const Report& report, bool details, int indent) {
  json out = summary_json(report);
  if (details) {
    out["tensors"] = json::array();
    for (uint32_t i = 0; i < report.tensors.size(); ++i) {
      out["tensors"].push_back(tensor_json(report.tensors[i], i));
    }
    out["steps"] = json::array();
    for (const ReportStep& step : report.steps) out["steps"].push_back(step_json(step));
  }
  return json_text(out, indent);
}

}  // namespace memopt
