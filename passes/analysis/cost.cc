#include "passes/analysis/cost.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

namespace memopt {
namespace {

constexpr std::string_view kSchema = "memopt.cost/1";

// Solves the symmetric positive system restricted to the unknowns in `active`; false if singular.
bool solve(const std::array<std::array<double, 3>, 3>& matrix, const std::array<double, 3>& right,
           unsigned active, std::array<double, 3>& solution) {
  std::vector<size_t> rows;
  for (size_t i = 0; i < 3; ++i) {
    if ((active >> i & 1U) != 0) rows.push_back(i);
  }
  const size_t n = rows.size();
  std::vector<std::vector<double>> a(n, std::vector<double>(n + 1));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) a[i][j] = matrix[rows[i]][rows[j]];
    a[i][n] = right[rows[i]];
  }
  for (size_t pivot = 0; pivot < n; ++pivot) {
    constexpr double kSingular = 1e-12;
    if (std::abs(a[pivot][pivot]) < kSingular * matrix[rows[pivot]][rows[pivot]]) return false;
    for (size_t i = pivot + 1; i < n; ++i) {
      const double factor = a[i][pivot] / a[pivot][pivot];
      for (size_t j = pivot; j <= n; ++j) a[i][j] -= factor * a[pivot][j];
    }
  }
  solution = {};
  for (size_t i = n; i-- > 0;) {
    double value = a[i][n];
    for (size_t j = i + 1; j < n; ++j) value -= a[i][j] * solution[rows[j]];
    solution[rows[i]] = value / a[i][i];
  }
  return true;
}

// Non-negative least squares over three unknowns: the best of the eight sets of non-zero ones
// (Lawson and Hanson, Solving Least Squares Problems, chapter 23, by enumeration).
KernelRate fit(std::span<const CostSample* const> samples) {
  std::array<std::array<double, 3>, 3> matrix{};
  std::array<double, 3> right{};
  std::vector<std::array<double, 3>> rows;
  std::vector<double> times;
  for (const CostSample* sample : samples) {
    const double weight = 1 / std::sqrt(std::max(sample->ns, 1.0));
    rows.push_back({weight, weight * static_cast<double>(sample->work.operations),
                    weight * static_cast<double>(sample->work.bytes)});
    times.push_back(weight * sample->ns);
  }
  for (size_t k = 0; k < rows.size(); ++k) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t j = 0; j < 3; ++j) matrix[i][j] += rows[k][i] * rows[k][j];
      right[i] += rows[k][i] * times[k];
    }
  }
  constexpr unsigned kBytesOnly = 4;
  std::array<double, 3> best{};
  double best_error = INFINITY;
  for (unsigned active = 1; active < 8; ++active) {
    if (samples.size() == 1 && active != kBytesOnly) continue;
    std::array<double, 3> candidate{};
    if (!solve(matrix, right, active, candidate)) continue;
    if (candidate[0] < 0 || candidate[1] < 0 || candidate[2] < 0) continue;
    double error = 0;
    for (size_t k = 0; k < rows.size(); ++k) {
      const double miss = rows[k][0] * candidate[0] + rows[k][1] * candidate[1] +
                          rows[k][2] * candidate[2] - times[k];
      error += miss * miss;
    }
    if (error < best_error) {
      best_error = error;
      best = candidate;
    }
  }
  return {.step_ns = best[0], .ns_per_operation = best[1], .ns_per_byte = best[2]};
}

nlohmann::json to_json(const KernelRate& rate) {
  return {{"step_ns", rate.step_ns},
          {"ns_per_operation", rate.ns_per_operation},
          {"ns_per_byte", rate.ns_per_byte}};
}

Result<KernelRate> parse_rate(const nlohmann::json& json, const std::string& kernel) {
  KernelRate rate;
  const std::pair<const char*, double*> members[] = {{"step_ns", &rate.step_ns},
                                                     {"ns_per_operation", &rate.ns_per_operation},
                                                     {"ns_per_byte", &rate.ns_per_byte}};
  for (const auto& [name, member] : members) {
    if (!json.is_object() || !json.contains(name) || !json[name].is_number()) {
      return bad_input("cost model: '" + kernel + "' needs a number '" + name + "'");
    }
    *member = json[name].get<double>();
    if (!(*member >= 0) || !std::isfinite(*member)) {
      return bad_input("cost model: '" + std::string(name) + "' of '" + kernel +
                       "' must be a finite number >= 0");
    }
  }
  return rate;
}

}  // namespace

StepWork step_work(const Op& op, std::span<const TensorType* const> inputs,
                   std::span<const TensorType* const> outputs) {
  StepWork work;
  std::vector<TensorType> results;
  for (const TensorType* type : inputs) {
    if (type != nullptr && type->layout != Layout::kPacked) work.bytes += type->bytes();
  }
  for (const TensorType* type : outputs) {
    results.push_back(type != nullptr ? *type : TensorType{});
    if (type != nullptr) work.bytes += type->bytes();
  }
  const OpDef& def = op_def(op);
  if (def.operations && !results.empty()) {
    work.operations = def.operations(op, inputs, results);
  } else {
    for (const TensorType* type : outputs) work.operations += type != nullptr ? type->count() : 0;
  }
  return work;
}

StepWork node_work(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  std::vector<const TensorType*> inputs, outputs;
  for (const ValueId input : node.inputs) inputs.push_back(input ? &graph.type(input) : nullptr);
  for (const ValueId output : node.outputs)
    outputs.push_back(output ? &graph.type(output) : nullptr);
  return step_work(node.op, inputs, outputs);
}

double predict_ns(const CostModel& model, const Graph& graph, const NodeMap<KernelChoice>& kernels,
                  std::span<const NodeId> steps) {
  double ns = 0;
  for (const NodeId id : steps) {
    ns += model.rate(kernels[id].kernel->name).predict_ns(node_work(graph, id));
  }
  return ns;
}

CostModel fit_cost_model(std::span<const CostSample> samples) {
  std::map<std::string, std::vector<const CostSample*>> by_kernel;
  std::vector<const CostSample*> all;
  for (const CostSample& sample : samples) {
    by_kernel[sample.kernel].push_back(&sample);
    all.push_back(&sample);
  }
  CostModel model;
  if (!all.empty()) model.other = fit(all);
  for (const auto& [kernel, of_kernel] : by_kernel) model.kernels[kernel] = fit(of_kernel);
  return model;
}

std::string cost_model_json(const CostModel& model) {
  nlohmann::json kernels = nlohmann::json::object();
  for (const auto& [name, rate] : model.kernels) kernels[name] = to_json(rate);
  const nlohmann::json json{
      {"schema", kSchema}, {"kernels", kernels}, {"other", to_json(model.other)}};
  return json.dump(2) + '\n';
}

Result<CostModel> parse_cost_model(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("schema") || json["schema"] != kSchema) {
    return bad_input("cost model: needed JSON with schema '" + std::string(kSchema) + "'");
  }
  if (!json.contains("kernels") || !json["kernels"].is_object() || !json.contains("other")) {
    return bad_input("cost model: needed members 'kernels' and 'other'");
  }
  CostModel model;
  MEMOPT_ASSIGN_OR_RETURN(model.other, parse_rate(json["other"], "other"));
  for (const auto& [name, rate] : json["kernels"].items()) {
    MEMOPT_ASSIGN_OR_RETURN(model.kernels[name], parse_rate(rate, name));
  }
  return model;
}

}  // namespace memopt
