// The inputs and outputs of a run: from arguments to the session's memory and back.
#pragma once

#include <optional>
#include <span>
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
  // Of a stream: the leading extent of the tensor, which has an entry for every run; else every run
  // reads the same.
  std::optional<int64_t> runs = std::nullopt;
};

// One tensor per input of the plan. `assignments` are "name=SOURCE" with SOURCE "random", "zeros"
// or "@file.npy" / "@file.pb", which are streams where `stream` says so; inputs that they do not
// name come from `test_data` (by name, else by position), else are random. kUsage for unknown names
// and for tensors of another element type or shape.
Result<std::vector<RunInput>> resolve_inputs(const Plan& plan,
                                             const std::vector<std::string>& assignments,
                                             const TestData& test_data, uint64_t seed, bool stream);

// How many runs the streams among the inputs last. kUsage where they disagree, or there is none.
Result<int64_t> stream_runs(const Plan& plan, std::span<const RunInput> inputs);

struct Expectation {
  size_t output = 0;  // position in Plan::outputs
  ExpectedTensor expected;
};

// From "name=@file" and `test_data` (by name, else by position).
Result<std::vector<Expectation>> resolve_expectations(const Plan& plan,
                                                      const std::vector<std::string>& assignments,
                                                      const TestData& test_data);

// Buffers for everything that is in the caller's memory, bound to `session`, with states as they
// are before the first run. They must live as long as it runs.
Result<std::vector<PageBuffer>> bind_buffers(Session& session);

// Writes the elements of `tensor` from byte `from` on where input `index` of the session is.
void fill_input(Session& session, size_t index, const TensorData& tensor, int64_t from = 0);
// What is fed to input `index` in run number `run`.
void fill_input(Session& session, size_t index, const RunInput& input, int64_t run);

// What outputs were, dense and row-major: of the last run or, of a stream, of all runs, under one
// more dimension.
class Recording {
 public:
  // `runs`: of a stream. kUsage for outputs that have no room for the dimension.
  static Result<Recording> create(const Plan& plan, std::optional<int64_t> runs);
  // After run number `run`.
  void take(const Session& session, int64_t run, bool is_last);
  const std::vector<TensorData>& outputs() const { return outputs_; }

 private:
  std::vector<TensorData> outputs_;
  bool is_stream_ = false;
};

}  // namespace memopt
