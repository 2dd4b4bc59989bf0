#include "passes/analysis/cost.h"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "compiler/ir/builder.h"
#include "runtime/base/json_text.h"

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

// The best non-negative rates for these weights: of the eight sets of non-zero ones the one with
// the smallest error (non-negative least squares by enumeration).
std::array<double, 3> fit(std::span<const CostSample* const> samples,
                          const std::vector<double>& weights) {
  std::array<std::array<double, 3>, 3> matrix{};
  std::array<double, 3> right{};
  const auto row = [&](size_t k) {
    return std::array<double, 3>{1, static_cast<double>(samples[k]->work.operations),
                                 static_cast<double>(samples[k]->work.bytes)};
  };
  for (size_t k = 0; k < samples.size(); ++k) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t j = 0; j < 3; ++j) matrix[i][j] += weights[k] * row(k)[i] * row(k)[j];
      right[i] += weights[k] * row(k)[i] * samples[k]->ns;
    }
  }
  constexpr unsigned kBytesOnly = 4;
  std::array<double, 3> best{};
  double best_error = INFINITY;
  for (unsigned active = 1; active < 8; ++active) {
    if (samples.size() == 1 && active != kBytesOnly) continue;
    std::array<double, 3> rates{};
    if (!solve(matrix, right, active, rates)) continue;
    if (rates[0] < 0 || rates[1] < 0 || rates[2] < 0) continue;
    double error = 0;
    for (size_t k = 0; k < samples.size(); ++k) {
      const auto x = row(k);
      const double miss = rates[0] + rates[1] * x[1] + rates[2] * x[2] - samples[k]->ns;
      error += weights[k] * miss * miss;
    }
    if (error < best_error) {
      best_error = error;
      best = rates;
    }
  }
  return best;
}

// The variance of a time grows with the time: weights are one over the prediction, found by
// iteration, so that the sum of the predictions is that of the samples.
KernelRate fit(std::span<const CostSample* const> samples) {
  std::vector<double> weights;
  for (const CostSample* sample : samples) weights.push_back(1 / std::max(sample->ns, 1.0));
  KernelRate rate;
  constexpr int kIterations = 8;
  for (int i = 0; i < kIterations; ++i) {
    const auto rates = fit(samples, weights);
    rate = {.step_ns = rates[0], .ns_per_operation = rates[1], .ns_per_byte = rates[2]};
    for (size_t k = 0; k < samples.size(); ++k) {
      constexpr double kShortestNs = 100;
      weights[k] = 1 / std::max(rate.predict_ns(samples[k]->work), kShortestNs);
    }
  }
  return rate;
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
    const auto found = json.find(name);  // the end where it is no object
    if (found == json.end() || !found->is_number()) {
      return bad_input("cost model: '" + kernel + "' needs a number '" + name + "'");
    }
    *member = found->get<double>();
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
  return step_work(node.op, types_of(graph, node.inputs), types_of(graph, node.outputs));
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
  return json_text(json) + '\n';
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
