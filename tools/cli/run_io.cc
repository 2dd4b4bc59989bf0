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

Status check_type(const PlanValue& value, const TensorData& tensor, const std::string& source) {
  if (tensor.type.dtype == value.dtype && tensor.type.dims == value.dims) return {};
  return usage("input '" + value.name + "' needs " +
               to_string(TensorType{.dtype = value.dtype, .dims = value.dims}) + ", " + source +
               " is " + to_string(tensor.type) +
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
                                             const TestData& test_data, uint64_t seed) {
  std::vector<std::optional<RunInput>> inputs(plan.inputs.size());
  for (const std::string& assignment : assignments) {
    const auto parts = split_assignment(assignment);
    if (!parts) return usage("--input " + assignment + ": needed NAME=SOURCE");
    MEMOPT_ASSIGN_OR_RETURN(const size_t index,
                            position_of(plan, plan.inputs, parts->first, "input"));
    if (inputs[index]) return usage("input '" + parts->first + "' is given twice");
    const PlanValue& value = plan.values[plan.inputs[index]];
    MEMOPT_ASSIGN_OR_RETURN(inputs[index], make_input(value, parts->second, seed, index));
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
    MEMOPT_RETURN_IF_ERROR(check_type(value, inputs[i]->tensor, inputs[i]->source));
    resolved.push_back(*std::move(inputs[i]));
  }
  return resolved;
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
  return buffers;
}

void fill_input(Session& session, size_t index, const TensorData& tensor) {
  const PlanValue& value = session.plan().values[session.plan().inputs[index]];
  if (value.bytes == 0) return;
  // Only read: copy_elements serves both directions.
  auto* const dense = const_cast<std::byte*>(tensor.bytes.data());
  copy_elements<true>(value, session.input_data(index), dense);
}

TensorData collect_output(const Session& session, size_t index) {
  const PlanValue& value = session.plan().values[session.plan().outputs[index]];
  TensorData tensor{{.dtype = value.dtype, .dims = value.dims}, {}, value.name};
  tensor.bytes.resize(static_cast<size_t>(tensor.type.bytes()));
  if (value.bytes == 0) return tensor;
  auto* const memory = const_cast<std::byte*>(session.output_data(index));
  copy_elements<false>(value, memory, tensor.bytes.data());
  return tensor;
}

}  // namespace memopt
