// Small inputs for every operator: what the generated tests run over.
#pragma once

#include <string>
#include <vector>

#include "runtime/ops/op.h"
#include "tests/support/run_op.h"

namespace memopt::testing {

struct SampleInput {
  DType dtype = DType::kF32;
  Dims dims;
  double low = -2, high = 2;   // uniform values in [low, high); f8 and sub-byte types: any bits
  std::vector<double> values;  // these instead, where not empty
  bool present = true;
};

struct Sample {
  std::string name;  // letters, digits and '_'
  Op op;
  std::vector<SampleInput> inputs;
};

// Several per operator (but for control flow), one for every function of unary and binary.
const std::vector<Sample>& all_samples();

// The inputs with their values, the same at every call; missing ones are empty optionals.
std::vector<std::optional<HostTensor>> make_inputs(const Sample& sample);
std::vector<const HostTensor*> pointers_to(const std::vector<std::optional<HostTensor>>& inputs);

}  // namespace memopt::testing
