#include "tests/support/run_compiled.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "runtime/executor/session.h"
#include "runtime/plan/load.h"

namespace memopt {

using Bytes = std::vector<std::byte>;

std::vector<Bytes> run_compiled(const CompiledModel& model, bool guard) {
  const Plan& plan = model.plan();
  std::vector<Bytes> inputs;
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    std::vector<float> data(static_cast<size_t>(plan.values[plan.inputs[i]].dims.count()));
    for (size_t k = 0; k < data.size(); ++k) {
      data[k] = static_cast<float>((k * 37 + i * 11) % 64) / 32.0f - 1.0f;
    }
    const auto bytes = std::as_bytes(std::span(data));
    inputs.emplace_back(bytes.begin(), bytes.end());
  }
  return run_compiled(model, guard, inputs);
}

std::vector<Bytes> run_compiled(const CompiledModel& model, bool guard,
                                std::span<const Bytes> inputs) {
  const std::vector<Bytes> run(inputs.begin(), inputs.end());
  const std::vector<std::vector<Bytes>> outputs = run_stream(model, guard, std::span(&run, 1));
  return outputs.empty() ? std::vector<Bytes>() : outputs.front();
}

std::vector<std::vector<Bytes>> run_stream(const CompiledModel& model, bool guard,
                                           std::span<const std::vector<Bytes>> inputs_of_runs) {
  // Plans are synced when they are written, which costs nothing in memory. Tests run beside each
  // other.
  const std::string memory = "/dev/shm";
  const std::string folder = std::filesystem::is_directory(memory) ? memory : testing::TempDir();
  const std::string path = folder + "/run_compiled_" + std::to_string(getpid()) + ".plan";
  EXPECT_TRUE(write_compiled(model, path).ok());
  auto loaded = load_plan(path, {.mode = LoadMode::kCopy, .verify_constants = true});
  std::filesystem::remove(path);
  if (!loaded.ok()) {
    ADD_FAILURE() << loaded.error().message;
    return {};
  }
  const Plan& plan = (*loaded)->plan();
  auto arena = PageBuffer::allocate(plan.arena_bytes);
  auto session = Session::create(*loaded, arena->bytes(), {.threads = 1, .guard = guard});
  if (!session.ok()) {
    ADD_FAILURE() << session.error().message;
    return {};
  }
  std::vector<PageBuffer> buffers;
  const auto caller_buffer = [&](uint32_t value) {
    buffers.push_back(*PageBuffer::allocate(plan.values[value].bytes));
    return buffers.back().bytes().first(static_cast<size_t>(plan.values[value].bytes));
  };
  for (size_t i = 0; i < plan.inputs.size(); ++i) {
    if (plan.values[plan.inputs[i]].storage == Storage::kCaller) {
      EXPECT_TRUE((*session)->bind_input(i, caller_buffer(plan.inputs[i])).ok());
    }
  }
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    if (plan.values[plan.outputs[i]].storage == Storage::kCaller) {
      EXPECT_TRUE((*session)->bind_output(i, caller_buffer(plan.outputs[i])).ok());
    }
  }
  if (plan.state_bytes > 0) {
    buffers.push_back(*PageBuffer::allocate(plan.state_bytes));
    EXPECT_TRUE((*session)->bind_state(buffers.back().bytes()).ok());
    EXPECT_TRUE((*session)->reset_state().ok());
  }
  std::vector<std::vector<Bytes>> outputs_of_runs;
  for (const std::vector<Bytes>& inputs : inputs_of_runs) {
    for (size_t i = 0; i < plan.inputs.size(); ++i) {
      EXPECT_EQ(static_cast<int64_t>(inputs[i].size()), plan.values[plan.inputs[i]].bytes);
      if (inputs[i].empty()) continue;
      std::memcpy((*session)->input_data(i), inputs[i].data(), inputs[i].size());
    }
    const Status status = (*session)->run();
    EXPECT_TRUE(status.ok()) << status.error().message;
    std::vector<Bytes>& outputs = outputs_of_runs.emplace_back();
    for (size_t i = 0; i < plan.outputs.size(); ++i) {
      const std::byte* data = (*session)->output_data(i);
      outputs.emplace_back(data, data + plan.values[plan.outputs[i]].bytes);
    }
  }
  return outputs_of_runs;
}

double relative_error(const std::vector<Bytes>& outputs, const std::vector<Bytes>& expected) {
  EXPECT_EQ(outputs.size(), expected.size());
  double worst = 0;
  for (size_t i = 0; i < std::min(outputs.size(), expected.size()); ++i) {
    EXPECT_EQ(outputs[i].size(), expected[i].size());
    const size_t count = std::min(outputs[i].size(), expected[i].size()) / sizeof(float);
    std::vector<float> a(count), b(count);
    std::memcpy(a.data(), outputs[i].data(), count * sizeof(float));
    std::memcpy(b.data(), expected[i].data(), count * sizeof(float));
    double range = 1e-6;
    for (const float value : b) range = std::max(range, std::abs(static_cast<double>(value)));
    for (size_t k = 0; k < count; ++k) {
      worst =
          std::max(worst, std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k])) / range);
    }
  }
  return worst;
}

}  // namespace memopt
