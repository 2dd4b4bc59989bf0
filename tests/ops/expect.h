// Comparing the results of kernels.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/support/run_op.h"

namespace memopt::testing {

// Equal up to absolute + relative * |wanted|; NaN equals NaN, and infinities their like.
inline void expect_close(const std::vector<double>& found, const std::vector<double>& wanted,
                         double relative, double absolute) {
  ASSERT_EQ(found.size(), wanted.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] == wanted[i] || (found[i] != found[i] && wanted[i] != wanted[i])) continue;
    ASSERT_NEAR(found[i], wanted[i], absolute + relative * std::abs(wanted[i])) << "element " << i;
  }
}

// Runs and unwraps the first output's values.
inline std::vector<double> run_values(const Op& op, std::span<const HostTensor* const> inputs,
                                      const RunOptions& options = {}) {
  const auto outputs = run_op(op, inputs, options);
  if (!outputs.ok()) {
    ADD_FAILURE() << outputs.error().message;
    return {};
  }
  return values_of(outputs->front());
}
inline std::vector<double> run_values(const Op& op, std::initializer_list<const HostTensor*> inputs,
                                      const RunOptions& options = {}) {
  return run_values(op, std::span(inputs.begin(), inputs.size()), options);
}

// Type inference refuses the inputs, with a message that contains `part`.
inline void expect_refused(const Op& op, std::initializer_list<const TensorType*> inputs,
                           const std::string& part) {
  const auto types = infer_op(op, inputs);
  ASSERT_FALSE(types.ok()) << "was accepted; wanted an error with: " << part;
  EXPECT_NE(types.error().message.find(part), std::string::npos) << types.error().message;
}

// The dimensions of the first result.
inline Dims inferred_dims(const Op& op, std::initializer_list<const TensorType*> inputs) {
  const auto types = infer_op(op, inputs);
  if (!types.ok()) {
    ADD_FAILURE() << types.error().message;
    return {};
  }
  return types->front().dims;
}

}  // namespace memopt::testing
