#include "tools/cli/run_io.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "runtime/kernels/element.h"
#include "runtime/kernels/strided.h"
#include "tools/cli/app.h"
#include "tools/cli/seeded.h"
#include "tools/cli/tensor_argument.h"

namespace memopt {
namespace {

Error usage(std::string message) { return {Code::kUsage, std::move(message)}; }

Result<size_t> position_of(const Plan& plan, const std::vector<uint32_t>& list,
                           const std::string& name, const char* kind) {
  std::string known;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string& candidate = plan.values[list[i]].name;
    if (candidate == name) return i;
    known += (known.empty() ? "'" : ", '") + candidate + "'";
  }
  return usage("the plan has no " + std::string(kind) + " '" + name + "'; it has " + known);
}

// Which input (output) of the plan tensor `k` of a test data folder belongs to.
std::optional<size_t> match(const Plan& plan, const std::vector<uint32_t>& list,
                            const TensorData& tensor, size_t k, size_t count) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (!tensor.name.empty() && plan.values[list[i]].name == tensor.name) return i;
  }
  // The names of the files need not be those of the model; positions agree if all are there.
  if (count == list.size()) return k;
  return std::nullopt;
}

// The type of the entries of all runs in one tensor. kUsage where there is no such.
Result<TensorType> type_of_runs(const PlanValue& value, int64_t runs) {
  TensorType type{.dtype = value.dtype, .dims = {}};
  const std::string what = "a stream of '" + value.name + "', " +
                           to_string(TensorType{.dtype = value.dtype, .dims = value.dims});
  if (value.dims.rank() == kMaxRank) {
    return usage(what + ", would have more than " + std::to_string(kMaxRank) + " dimensions");
  }
  if (value.dims.count() * dtype_bits(value.dtype) % 8 != 0) {
    return usage(what + ", would have runs that begin within a byte");
  }
  type.dims.push_back(runs);
  for (const int64_t dim : value.dims) type.dims.push_back(dim);
  if (!is_valid_type(type)) return usage(what + ", is too long");
  return type;
}

Status check_type(const PlanValue& value, const RunInput& input) {
  TensorType needed{.dtype = value.dtype, .dims = value.dims};
  if (input.runs) {
    MEMOPT_ASSIGN_OR_RETURN(needed, type_of_runs(value, *input.runs));
  }
  if (input.tensor.type == needed) return {};
  return usage("input '" + value.name + "' needs " + to_string(needed) + ", " + input.source +
               " is " + to_string(input.tensor.type) +
               "; for other shapes compile the model again with --shape");
}

Result<RunInput> make_input(const PlanValue& value, const std::string& source, uint64_t seed,
                            size_t index) {
  const TensorType type{.dtype = value.dtype, .dims = value.dims};
  if (source == "random") {
    Seeded numbers = default_seeded(value.dtype);
    numbers.seed = seed;
    numbers.stream = index;
    return RunInput{seeded_tensor(type, numbers), source};
  }
  if (source == "zeros") {
    return RunInput{{type, std::vector<std::byte>(static_cast<size_t>(type.bytes())), ""}, source};
  }
  if (!source.starts_with('@')) {
    return usage("input '" + value.name +
                 "': needed random, zeros, @FILE.npy or @FILE.pb, found '" + source + "'");
  }
  MEMOPT_ASSIGN_OR_RETURN(TensorData tensor, read_tensor_argument(source));
  return RunInput{std::move(tensor), source};
}

// Copies between dense row-major elements and where a value has them.
template <bool kToValue>
void copy_elements(const PlanValue& value, std::byte* memory, std::byte* dense) {
  const TensorType type{.dtype = value.dtype, .dims = value.dims};
  if (is_dense(value.dims, value.strides, Layout::kRowMajor)) {
    std::memcpy(kToValue ? memory : dense, kToValue ? dense : memory,
                static_cast<size_t>(type.bytes()));
    return;
  }
  const int64_t bytes = dtype_bits(value.dtype) / 8;
  int64_t next = 0;
  for_each_coordinate(value.dims, [&](const Dims& at) {
    const int64_t element = offset_of(at, value.strides);
    if (bytes == 0) {
      void* const to = kToValue ? memory : dense;
      const void* const from = kToValue ? dense : memory;
      store_bits(value.dtype, to, kToValue ? element : next,
                 load_bits(value.dtype, from, kToValue ? next : element));
    } else {
      std::byte* const there = memory + element * bytes;
      std::byte* const here = dense + next * bytes;
      std::memcpy(kToValue ? there : here, kToValue ? here : there, static_cast<size_t>(bytes));
    }
    ++next;
  });
}

}  // namespace

Result<std::vector<RunInput>> resolve_inputs(const Plan& plan,
                                             const std::vector<std::string>& assignments,
                                             const TestData& test_data, uint64_t seed,
                                             bool stream) {
  std::vector<std::optional<RunInput>> inputs(plan.inputs.size());
  for (const std::string& assignment : assignments) {
    const auto parts = split_assignment(assignment);
    if (!parts) return usage("--input " + assignment + ": needed NAME=SOURCE");
    MEMOPT_ASSIGN_OR_RETURN(const size_t index,
                            position_of(plan, plan.inputs, parts->first, "input"));
    if (inputs[index]) return usage("input '" + parts->first + "' is given twice");
    const PlanValue& value = plan.values[plan.inputs[index]];
    MEMOPT_ASSIGN_OR_RETURN(inputs[index], make_input(value, parts->second, seed, index));
    if (stream && parts->second.starts_with('@')) {
      const Dims& dims = inputs[index]->tensor.type.dims;
      inputs[index]->runs = dims.rank() > 0 ? dims[0] : 0;
    }
  }
  for (size_t k = 0; k < test_data.inputs.size(); ++k) {
    const TensorData& tensor = test_data.inputs[k];
    // Inputs that became constants when the plan was made have no place.
    const auto index = match(plan, plan.inputs, tensor, k, test_data.inputs.size());
    if (index && !inputs[*index]) inputs[*index] = RunInput{tensor, "test data"};
  }
  std::vector<RunInput> resolved;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const PlanValue& value = plan.values[plan.inputs[i]];
    if (!inputs[i]) {
      MEMOPT_ASSIGN_OR_RETURN(inputs[i], make_input(value, "random", seed, i));
    }
    MEMOPT_RETURN_IF_ERROR(check_type(value, *inputs[i]));
    resolved.push_back(*std::move(inputs[i]));
  }
  return resolved;
}

Result<int64_t> stream_runs(const Plan& plan, std::span<const RunInput> inputs) {
  std::optional<size_t> first;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].runs) continue;
    if (*inputs[i].runs == 0) {
      return usage("input '" + plan.values[plan.inputs[i]].name + "': " + inputs[i].source +
                   " has no runs");
    }
    if (!first) first = i;
    if (inputs[i].runs == inputs[*first].runs) continue;
    return usage("input '" + plan.values[plan.inputs[i]].name + "' has " +
                 std::to_string(*inputs[i].runs) + " runs, input '" +
                 plan.values[plan.inputs[*first]].name + "' has " +
                 std::to_string(*inputs[*first].runs));
  }
  if (!first) return usage("--stream: needed an input from a file, such as --input x=@frames.npy");
  return *inputs[*first].runs;
}

Result<std::vector<Expectation>> resolve_expectations(const Plan& plan,
                                                      const std::vector<std::string>& assignments,
                                                      const TestData& test_data) {
  std::vector<Expectation> expectations;
  for (const std::string& assignment : assignments) {
    const auto parts = split_assignment(assignment);
    if (!parts) return usage("--expected " + assignment + ": needed NAME=@FILE");
    MEMOPT_ASSIGN_OR_RETURN(const size_t index,
                            position_of(plan, plan.outputs, parts->first, "output"));
    MEMOPT_ASSIGN_OR_RETURN(TensorData tensor, read_tensor_argument(parts->second));
    expectations.push_back({index, {std::move(tensor), 1}});
  }
  for (size_t k = 0; k < test_data.outputs.size(); ++k) {
    const ExpectedTensor& expected = test_data.outputs[k];
    const auto index = match(plan, plan.outputs, expected.tensor, k, test_data.outputs.size());
    if (!index) {
      return usage("the test data has an output " + std::to_string(k) + " ('" +
                   expected.tensor.name + "') that the plan does not have");
    }
    expectations.push_back({*index, expected});
  }
  return expectations;
}

Result<std::vector<PageBuffer>> bind_buffers(Session& session) {
  const Plan& plan = session.plan();
  std::vector<PageBuffer> buffers;
  const auto buffer_of = [&](uint32_t index) -> Result<std::span<std::byte>> {
    MEMOPT_ASSIGN_OR_RETURN(PageBuffer buffer, PageBuffer::allocate(plan.values[index].bytes));
    buffers.push_back(std::move(buffer));
    return buffers.back().bytes();
  };
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    if (plan.values[plan.inputs[i]].storage != Storage::kCaller) continue;
    MEMOPT_ASSIGN_OR_RETURN(const auto bytes, buffer_of(plan.inputs[i]));
    MEMOPT_RETURN_IF_ERROR(session.bind_input(i, bytes));
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    if (plan.values[plan.outputs[i]].storage != Storage::kCaller) continue;
    MEMOPT_ASSIGN_OR_RETURN(const auto bytes, buffer_of(plan.outputs[i]));
    MEMOPT_RETURN_IF_ERROR(session.bind_output(i, bytes));
  }
  if (plan.state_bytes > 0) {
    MEMOPT_ASSIGN_OR_RETURN(PageBuffer block, PageBuffer::allocate(plan.state_bytes));
    MEMOPT_RETURN_IF_ERROR(session.bind_state(block.bytes()));
    MEMOPT_RETURN_IF_ERROR(session.reset_state());
    buffers.push_back(std::move(block));
  }
  return buffers;
}

void fill_input(Session& session, size_t index, const TensorData& tensor, int64_t from) {
  const PlanValue& value = session.plan().values[session.plan().inputs[index]];
  if (value.bytes == 0) return;
  // Only read: copy_elements serves both directions.
  auto* const dense = const_cast<std::byte*>(tensor.bytes.data()) + from;
  copy_elements<true>(value, session.input_data(index), dense);
}

void fill_input(Session& session, size_t index, const RunInput& input, int64_t run) {
  const int64_t bytes = input.runs ? std::ssize(input.tensor.bytes) / *input.runs : 0;
  fill_input(session, index, input.tensor, run * bytes);
}

Result<Recording> Recording::create(const Plan& plan, std::optional<int64_t> runs) {
  Recording recording;
  recording.is_stream_ = runs.has_value();
  for (const uint32_t i : plan.outputs) {
    const PlanValue& value = plan.values[i];
    TensorType type{.dtype = value.dtype, .dims = value.dims};
    if (runs) {
      MEMOPT_ASSIGN_OR_RETURN(type, type_of_runs(value, *runs));
    }
    recording.outputs_.push_back({type, {}, value.name});
    // What memory a stream takes, it takes now; else behind the only run that counts.
    if (runs) recording.outputs_.back().bytes.resize(static_cast<size_t>(type.bytes()));
  }
  return recording;
}

void Recording::take(const Session& session, int64_t run, bool is_last) {
  if (!is_stream_ && !is_last) return;
  const Plan& plan = session.plan();
  for (size_t k = 0; k < outputs_.size(); ++k) {
    const PlanValue& value = plan.values[plan.outputs[k]];
    if (value.bytes == 0) continue;
    const int64_t bytes = TensorType{.dtype = value.dtype, .dims = value.dims}.bytes();
    if (!is_stream_) outputs_[k].bytes.resize(static_cast<size_t>(bytes));
    auto* const memory = const_cast<std::byte*>(session.output_data(k));
    copy_elements<false>(value, memory, outputs_[k].bytes.data() + (is_stream_ ? run * bytes : 0));
  }
}

}  // namespace memopt
