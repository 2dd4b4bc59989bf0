// The inputs and outputs of a run: from arguments to the session's memory and back.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/page_buffer.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"
#include "runtime/executor/session.h"
#include "tools/cli/test_data.h"

namespace memopt {

struct RunInput {
  TensorData tensor;
  std::string source;  // "random", "zeros", "@file", ...: for people
};

// One tensor per input of the plan. `assignments` are "name=SOURCE" with SOURCE "random", "zeros"
// or
// "@file.npy" / "@file.pb"; inputs that they do not name come from `test_data` (by name, else by
// position), else are random. kUsage for unknown names and for tensors of another element type or
// shape.
Result<std::vector<RunInput>> resolve_inputs(const Plan& plan,
                                             const std::vector<std::string>& assignments,
                                             const TestData& test_data, uint64_t seed);

struct Expectation {
  size_t output = 0;  // position in Plan::outputs
  ExpectedTensor expected;
};

// From "name=@file" and `test_data` (by name, else by position).
Result<std::vector<Expectation>> resolve_expectations(const Plan& plan,
                                                      const std::vector<std::string>& assignments,
                                                      const TestData& test_data);

// Buffers for everything that is in the caller's memory, bound to `session`. They must live as long
// as it runs.
Result<std::vector<PageBuffer>> bind_buffers(Session& session);

// Writes the elements of `tensor` where input `index` of the session is.
void fill_input(Session& session, size_t index, const TensorData& tensor);
// Output `index`, dense and row-major.
TensorData collect_output(const Session& session, size_t index);

}  // namespace memopt
