// What a step costs: the work it does, and the time that a model of the machine predicts for it.
// The time is that of one thread; techniques are compared by it, never judged by it alone.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "compiler/ir/graph.h"
#include "passes/lowering.h"
#include "runtime/ops/op_def.h"

namespace memopt {

struct StepWork {
  int64_t operations = 0;  // OpDef::operations; the elements of the results where it has none
  int64_t bytes = 0;       // read and written: operands, constants among them, and results
};

// `inputs` and `outputs` have nullptr for what is missing.
StepWork step_work(const Op& op, std::span<const TensorType* const> inputs,
                   std::span<const TensorType* const> outputs);
StepWork node_work(const Graph& graph, NodeId id);

// Time of a step = step_ns + ns_per_operation x operations + ns_per_byte x bytes.
struct KernelRate {
  double step_ns = 0;
  double ns_per_operation = 0;
  double ns_per_byte = 0;
  double predict_ns(const StepWork& work) const {
    return step_ns + ns_per_operation * static_cast<double>(work.operations) +
           ns_per_byte * static_cast<double>(work.bytes);
  }
  bool operator==(const KernelRate&) const = default;
};

struct CostModel {
  std::map<std::string, KernelRate, std::less<>> kernels;  // by KernelDef::name
  KernelRate other;                                        // for kernels that are not listed
  const KernelRate& rate(std::string_view kernel) const {
    const auto found = kernels.find(kernel);
    return found == kernels.end() ? other : found->second;
  }
  bool operator==(const CostModel&) const = default;
};

// Measured with `memopt-bench --calibrate` on one core with AVX-512.
const CostModel& default_cost_model();

// One thread, all steps of a lowered graph; steps that move nothing (aliases) cost nothing, so the
// caller says which nodes run.
double predict_ns(const CostModel& model, const Graph& graph, const NodeMap<KernelChoice>& kernels,
                  std::span<const NodeId> steps);

struct CostSample {
  std::string kernel;
  StepWork work;
  double ns = 0;  // of one run of the step
};

// Per kernel the non-negative rates with the smallest sum of squared errors, each relative to the
// square root of the predicted time, so that totals come out right and short steps count. Kernels
// with one sample get a rate per byte alone; `other` is fitted to all samples.
CostModel fit_cost_model(std::span<const CostSample> samples);

// JSON, schema "memopt.cost/1". Reading rejects what is not of that form (kBadInput).
std::string cost_model_json(const CostModel& model);
Result<CostModel> parse_cost_model(std::string_view json);

}  // namespace memopt
