// Loading, creating and running through the C API with every allocation, thread and file operation
// failing in turn: the answer is a code and a message, nothing is left behind, and the same calls
// succeed afterwards. A sample of the points by default; MEMOPT_FAULTS_STRIDE=1 tries all.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "memopt/memopt.h"
#include "passes/compile.h"
#include "runtime/base/file.h"
#include "tests/faults/fork_points.h"
#include "tests/support/random_graph.h"
#include "tests/support/test_plan.h"

namespace memopt::faults {
namespace {

// Says what is wrong, for the process that watches, and ends.
[[noreturn]] void wrong(const std::string& what) {
  disarm();
  std::fprintf(stderr, "%s\n", what.c_str());
  std::_Exit(1);
}

// The plans of a small network: convolutions, movement, element-wise operators.
struct Model {
  std::string path, trace;
  std::vector<std::byte> file;
  size_t arena_bytes = 0;
};

Model make_model(bool io_in_arena) {
  Model model;
  model.path = temporary_path(io_in_arena ? "faults.plan" : "faults_io.plan");
  model.trace = model.path + ".json";
  CompileOptions options;
  options.buffers.io_in_arena = io_in_arena;
  options.kernels.target = {.isa = host_isa()};
  const auto compiled = compile_graph(random_graph(3, 12), options);
  EXPECT_TRUE(compiled.ok()) << compiled.error().message;
  const auto& steps = (*compiled)->plan().instructions;
  EXPECT_TRUE(host_isa() == Isa::kPortable ||
              std::any_of(steps.begin(), steps.end(),
                          [](auto& step) { return step.kernel.ends_with(".onednn"); }));
  EXPECT_TRUE(write_compiled(**compiled, model.path).ok());
  model.file = *read_file(model.path, 1 << 24);
  model.arena_bytes = static_cast<size_t>((*compiled)->plan().arena_bytes);
  return model;
}

// The same, made in another process: nothing of it is in the caches of this one.
Model make_model_elsewhere() {
  const pid_t child = ::fork();
  if (child == 0) {
    make_model(true);
    std::_Exit(0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  Model model;
  model.path = temporary_path("faults.plan");
  model.trace = model.path + ".json";
  model.file = *read_file(model.path, 1 << 24);
  return model;
}

struct Calls {
  const Model& model;
  bool from_memory = false;
  uint32_t flags = MEMOPT_LOAD_DEFAULT;
  memopt_session_options options = {};
};

alignas(4096) std::array<std::byte, 1 << 20> arena, buffers;
constexpr size_t kBufferBytes = size_t{1} << 16;  // of each input and output in `buffers`

std::byte* buffer_of(size_t number) { return buffers.data() + number * kBufferBytes; }

memopt_status bind_and_fill(const memopt_plan* plan, memopt_session* session) {
  const size_t inputs = memopt_plan_input_count(plan);
  for (size_t i = 0; i < inputs + memopt_plan_output_count(plan); ++i) {
    const bool is_input = i < inputs;
    memopt_tensor_info info;
    const memopt_status known =
        is_input ? memopt_plan_input(plan, i, &info) : memopt_plan_output(plan, i - inputs, &info);
    if (known != MEMOPT_OK) return known;
    if (info.in_caller_memory != 0) {
      const memopt_status bound =
          is_input ? memopt_session_bind_input(session, i, buffer_of(i), info.bytes)
                   : memopt_session_bind_output(session, i - inputs, buffer_of(i), info.bytes);
      if (bound != MEMOPT_OK) return bound;
    }
    if (!is_input) continue;
    auto* const values = static_cast<float*>(memopt_session_input_data(session, i));
    for (size_t k = 0; k < info.bytes / sizeof(float); ++k) {
      values[k] = static_cast<float>(k * 37 % 64) / 32 - 1;
    }
  }
  return MEMOPT_OK;
}

// The sum of the bits of all outputs.
uint64_t digest_of(const memopt_plan* plan, const memopt_session* session) {
  uint64_t sum = 0;
  for (size_t i = 0; i < memopt_plan_output_count(plan); ++i) {
    memopt_tensor_info info;
    if (memopt_plan_output(plan, i, &info) != MEMOPT_OK) wrong(memopt_last_error());
    const auto* const bytes =
        static_cast<const unsigned char*>(memopt_session_output_data(session, i));
    for (size_t k = 0; k < info.bytes; ++k) sum = sum * 31 + bytes[k];
  }
  return sum;
}

// Everything that an embedder does; all is destroyed in the end. The digest is of a run that
// succeeded.
memopt_status call_all(const Calls& calls, uint64_t& digest) {
  memopt_plan* plan = nullptr;
  memopt_session* session = nullptr;
  memopt_status status = calls.from_memory
                             ? memopt_plan_load_memory(calls.model.file.data(),
                                                       calls.model.file.size(), calls.flags, &plan)
                             : memopt_plan_load_file(calls.model.path.c_str(), calls.flags, &plan);
  if ((status == MEMOPT_OK) != (plan != nullptr)) wrong("a plan and a failure");
  if (status == MEMOPT_OK) {
    status = memopt_session_create(plan, arena.data(), arena.size(), &calls.options, &session);
    if ((status == MEMOPT_OK) != (session != nullptr)) wrong("a session and a failure");
  }
  if (status == MEMOPT_OK) status = bind_and_fill(plan, session);
  if (status == MEMOPT_OK) status = memopt_session_run(session);
  if (status == MEMOPT_OK) digest = digest_of(plan, session);
  if (status == MEMOPT_OK && calls.options.profile != 0) {
    status = memopt_session_write_trace(session, calls.model.trace.c_str());
  }
  memopt_session_destroy(session);
  memopt_plan_destroy(plan);
  return status;
}

// What the process knows from earlier calls.
enum class Start : uint8_t {
  kWarm,  // the caches of the kernels are filled: what is allocated now is to be given back
  kCold,  // nothing
};

// In the process where the fault happens.
int meet_fault(const Calls& calls, std::optional<uint64_t> expected, Kind kind, Start start) {
  uint64_t digest = 0;
  const memopt_status status = call_all(calls, digest);
  const int64_t left = current_record().live_blocks;
  disarm();
  if (start == Start::kWarm && left != 0) wrong(std::to_string(left) + " blocks are left");
  const bool is_file = kind == Kind::kFile;
  if (status != MEMOPT_OK && status != MEMOPT_OUT_OF_RESOURCE &&
      !(is_file && status == MEMOPT_BAD_INPUT)) {
    wrong("status " + std::to_string(status) + ": " + memopt_last_error());
  }
  if (status != MEMOPT_OK && std::strlen(memopt_last_error()) == 0) wrong("no message");
  if (digest == 0) digest = expected.value_or(0);  // no run has succeeded
  if (!expected) expected = digest;
  if (digest != *expected) wrong("other bits");
  if (call_all(calls, digest) != MEMOPT_OK) wrong(std::string("again: ") + memopt_last_error());
  if (*expected != 0 && digest != *expected) wrong("other bits the second time");
  return 0;
}

int64_t stride() {
  const char* const text = std::getenv("MEMOPT_FAULTS_STRIDE");
  return text ? std::max(1L, std::atol(text)) : 11;
}

class CApiFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_inject()) GTEST_SKIP() << "this build has a sanitizer's allocator";
  }

  // From a warm start, what is to be expected is found out by undisturbed calls, which fill the
  // caches, too.
  void try_all(const Calls& calls, const Fault& kind, const Sampling& sampling,
               Start start = Start::kWarm) {
    std::optional<uint64_t> expected;
    for (int i = 0; i < 2 && start == Start::kWarm; ++i) {
      ASSERT_EQ(call_all(calls, expected.emplace()), MEMOPT_OK) << memopt_last_error();
    }
    std::map<std::string, int> died_in_library;
    int64_t points = 0;
    const int64_t tried = for_each_point(
        kind, sampling, [&] { return meet_fault(calls, expected, kind.kind, start); },
        [&](const Outcome& outcome) {
          if (outcome.fault.point == 0) points = outcome.points;
          if (!outcome.died_in_library.empty()) {
            ++died_in_library[outcome.died_in_library];
            return;
          }
          EXPECT_EQ(outcome.status, 0)
              << "point " << outcome.fault.point << ": " << outcome.message << "\nfault "
              << outcome.fault_stack << "\ncrash " << outcome.crash_stack;
        });
    std::printf("%lld of %lld points tried\n", static_cast<long long>(tried),
                static_cast<long long>(points));
    for (const auto& [library, count] : died_in_library) {
      std::printf("in library %s: %d\n", library.c_str(), count);
    }
  }
};

TEST_F(CApiFaults, EveryAllocation) {
  const Model model = make_model(true), io_model = make_model(false);
  for (const Mode mode : {Mode::kOnce, Mode::kForever}) {
    for (const Calls& calls :
         {Calls{model, false, MEMOPT_LOAD_DEFAULT, {.threads = 1, .guard = 0, .profile = 1}},
          Calls{io_model,
                true,
                MEMOPT_LOAD_COPY | MEMOPT_LOAD_VERIFY_CONSTANTS,
                {.threads = 3, .guard = 1, .profile = 0}}}) {
      try_all(calls, {.kind = Kind::kAllocation, .mode = mode}, {1, stride()});
    }
  }
}

TEST_F(CApiFaults, EveryAllocationOfAFirstSession) {
  const Model model = make_model_elsewhere();
  const Calls calls{model, false, MEMOPT_LOAD_DEFAULT, {.threads = 2, .guard = 0, .profile = 1}};
  for (const Mode mode : {Mode::kOnce, Mode::kForever}) {
    try_all(calls, {.kind = Kind::kAllocation, .mode = mode}, {1, stride()}, Start::kCold);
  }
}

TEST_F(CApiFaults, EveryThread) {
  const Model model = make_model(true);
  for (const Mode mode : {Mode::kOnce, Mode::kForever}) {
    for (const int threads : {1, 2, 9}) {
      try_all({model, false, MEMOPT_LOAD_DEFAULT, {.threads = threads, .guard = 0, .profile = 0}},
              {.kind = Kind::kThread, .mode = mode}, {1, 1});
    }
  }
}

TEST_F(CApiFaults, EveryFileOperation) {
  const Model model = make_model(true);
  for (const int error : {EIO, ENOSPC, EINTR, kShort}) {
    for (const Mode mode : {Mode::kOnce, Mode::kForever}) {
      // Who is interrupted forever tries forever.
      if (error == EINTR && mode == Mode::kForever) continue;
      for (const uint32_t flags : {MEMOPT_LOAD_DEFAULT, MEMOPT_LOAD_COPY}) {
        try_all({model, false, flags, {.threads = 1, .guard = 0, .profile = 1}},
                {.kind = Kind::kFile, .mode = mode, .error = error}, {1, 1});
      }
    }
  }
}

}  // namespace
}  // namespace memopt::faults
