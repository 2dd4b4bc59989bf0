// Running plans: results, bindings, arenas, threads, guard mode, profile.
#include "runtime/executor/session.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/support/test_plan.h"
#include "tools/allocation/count.h"

namespace memopt {
namespace {

std::shared_ptr<const LoadedPlan> load(const Plan& plan, const std::string& name) {
  auto loaded = load_plan(write_temporary(plan, name), {.kernels = test_kernel});
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  return loaded.ok() ? *loaded : nullptr;
}

// A session with an arena of exactly the plan's size.
struct Running {
  explicit Running(const Plan& plan, const SessionOptions& options = {},
                   const std::string& name = "session")
      : Running(load(plan, name), options) {}
  Running(std::shared_ptr<const LoadedPlan> loaded, const SessionOptions& options)
      : arena(*PageBuffer::allocate_fenced(loaded->plan().arena_bytes, 64)) {
    auto created = Session::create(std::move(loaded), arena.bytes(), options);
    EXPECT_TRUE(created.ok()) << created.error().message;
    session = *std::move(created);
  }
  PageBuffer arena;
  std::unique_ptr<Session> session;
};

using Six = std::array<float, 6>;
constexpr Six kInput = {-5, 1, -3, 2, -9, 0};
constexpr Six kOutput = {-5, 4, -3, 8, -9, 6};  // relu(x + (1 .. 6)) + x

std::span<std::byte> bytes(Six& six) { return std::as_writable_bytes(std::span(six)); }

TEST(Session, ComputesInTheCallersBuffers) {
  Running running(small_plan());
  Six x = kInput, y{};
  ASSERT_TRUE(running.session->bind_input(0, bytes(x)).ok());
  ASSERT_TRUE(running.session->bind_output(0, bytes(y)).ok());
  for (int i = 0; i < 3; ++i) {
    y.fill(0);
    const Status status = running.session->run();
    ASSERT_TRUE(status.ok()) << status.error().message;
    EXPECT_EQ(y, kOutput);
  }
  Six other_x{}, other_y{};
  ASSERT_TRUE(running.session->bind_input(0, bytes(other_x)).ok());
  ASSERT_TRUE(running.session->bind_output(0, bytes(other_y)).ok());
  ASSERT_TRUE(running.session->run().ok());
  EXPECT_EQ(other_y, (Six{1, 2, 3, 4, 5, 6}));
}

TEST(Session, ComputesInTheArena) {
  for (const bool guard : {false, true}) {
    Running running(concat_plan(), {.guard = guard});
    auto* const x = reinterpret_cast<float*>(running.session->input_data(0));
    for (int i = 0; i < 8; ++i) x[i] = static_cast<float>(i - 3);  // nhwc: pixel-major
    const Status status = running.session->run();
    ASSERT_TRUE(status.ok()) << status.error().message;
    // left = 2x, right = relu(x), middle = (channel 1 of left, channel 0 of right).
    const auto* const y = reinterpret_cast<const float*>(running.session->output_data(0));
    for (int pixel = 0; pixel < 4; ++pixel) {
      const float x0 = static_cast<float>(2 * pixel - 3), x1 = x0 + 1;
      EXPECT_EQ(y[2 * pixel], 2 * x0 + 2 * x1);
      EXPECT_EQ(y[2 * pixel + 1], 2 * x1 + std::max(x0, 0.0f));
    }
  }
}

// state_plan() in streams: what h', y and k' are after each run of x.
TEST(Session, KeepsStatesInTheBoundBlock) {
  for (const bool guard : {false, true}) {
    Running running(state_plan(), {.guard = guard});
    Session& session = *running.session;
    ASSERT_EQ(session.plan().state_bytes, 80);
    alignas(64) std::array<float, 20> first{}, second{};
    first.fill(7);
    const auto run = [&](float x) {
      std::fill_n(reinterpret_cast<float*>(session.input_data(0)), 4, x);
      const Status status = session.run();
      EXPECT_TRUE(status.ok()) << status.error().message;
      return reinterpret_cast<const float*>(session.output_data(0))[2];
    };
    EXPECT_EQ(session.state_data(0), nullptr);
    EXPECT_EQ(session.run().error().message,
              "the plan keeps states: bind a block of 80 bytes for them first");
    EXPECT_EQ(session.reset_state().error().code, Code::kUsage);
    ASSERT_TRUE(session.bind_state(std::as_writable_bytes(std::span(first))).ok());
    EXPECT_EQ(run(1), 8 + 7);  // what the block held
    ASSERT_TRUE(session.reset_state().ok());
    EXPECT_EQ(run(1), 4 + 0);  // h begins as 1, 2, 3, 4
    EXPECT_EQ(run(2), 6 + 1);
    ASSERT_TRUE(session.bind_state(std::as_writable_bytes(std::span(second))).ok());
    EXPECT_EQ(run(5), 5 + 0);
    ASSERT_TRUE(session.bind_state(std::as_writable_bytes(std::span(first))).ok());
    auto* const h = reinterpret_cast<float*>(session.state_data(0));
    EXPECT_EQ(h, first.data());
    EXPECT_EQ(reinterpret_cast<float*>(session.state_data(1)), first.data() + 16);
    EXPECT_EQ(h[2], 6);
    h[2] = 60;
    EXPECT_EQ(run(3), 63 + 2);
  }
}

TEST(Session, RefusesAWrongBlockOfStates) {
  Running running(state_plan());
  Session& session = *running.session;
  alignas(64) std::array<std::byte, 256> memory{};
  const std::span<std::byte> all = memory;
  EXPECT_FALSE(session.bind_state(all.first(79)).ok());        // too short
  EXPECT_FALSE(session.bind_state(all.subspan(32, 80)).ok());  // misaligned
  EXPECT_FALSE(session.bind_state({static_cast<std::byte*>(nullptr), 80}).ok());
  EXPECT_FALSE(session.bind_state(running.arena.bytes()).ok());
  EXPECT_TRUE(session.bind_state(all).ok());

  Running with_buffers(small_plan());
  EXPECT_TRUE(with_buffers.session->bind_state({}).ok());  // keeps no states
  EXPECT_TRUE(with_buffers.session->reset_state().ok());
}

TEST(Session, BuffersAndStatesDoNotOverlap) {
  Plan plan = state_plan();
  plan.values[plan.inputs[0]].storage = Storage::kCaller;
  Running running(plan);
  Session& session = *running.session;
  alignas(64) std::array<std::byte, 256> memory{};
  const std::span<std::byte> all = memory;
  ASSERT_TRUE(session.bind_input(0, all.first(16)).ok());
  EXPECT_FALSE(session.bind_state(all.first(80)).ok());
  ASSERT_TRUE(session.bind_state(all.subspan(64, 80)).ok());
  EXPECT_FALSE(session.bind_input(0, all.subspan(128, 16)).ok());
  EXPECT_TRUE(session.bind_input(0, all.subspan(144, 16)).ok());
}

TEST(Session, RefusesAWrongArena) {
  const auto loaded = load(small_plan(), "arena");
  const auto bytes = static_cast<size_t>(loaded->plan().arena_bytes);
  PageBuffer arena = *PageBuffer::allocate(static_cast<int64_t>(bytes) + 64);
  for (const auto& span : {arena.bytes().first(bytes - 1), arena.bytes().subspan(1, bytes),
                           arena.bytes().subspan(32, bytes), std::span<std::byte>()}) {
    auto session = Session::create(loaded, span);
    ASSERT_FALSE(session.ok());
    EXPECT_EQ(session.error().code, Code::kUsage);
  }
  EXPECT_TRUE(Session::create(loaded, arena.bytes().first(bytes)).ok());
}

TEST(Session, RefusesWrongBindings) {
  Running running(small_plan());
  Session& session = *running.session;
  std::array<float, 8> memory{};
  const auto all = std::as_writable_bytes(std::span(memory));
  EXPECT_FALSE(session.bind_input(1, all.first(24)).ok());       // no such input
  EXPECT_FALSE(session.bind_input(0, all.first(20)).ok());       // too short
  EXPECT_FALSE(session.bind_input(0, all.first(28)).ok());       // too long
  EXPECT_FALSE(session.bind_input(0, all.subspan(1, 24)).ok());  // misaligned
  EXPECT_FALSE(session.bind_input(0, running.arena.bytes().first(24)).ok());
  EXPECT_FALSE(session.bind_input(0, {static_cast<std::byte*>(nullptr), 24}).ok());
  ASSERT_TRUE(session.bind_input(0, all.first(24)).ok());
  EXPECT_FALSE(session.bind_output(0, all.subspan(8, 24)).ok());  // over the input
  const Status status = session.run();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "'y' is not bound to a buffer");
}

TEST(Session, RefusesAForeignTarget) {
  if (host_isa() == Isa::kAmx) GTEST_SKIP() << "this machine serves every target";
  Plan plan = small_plan();
  plan.target.isa = Isa::kAmx;
  PageBuffer arena = *PageBuffer::allocate(plan.arena_bytes);
  auto session = Session::create(load(plan, "target"), arena.bytes());
  ASSERT_FALSE(session.ok());
  EXPECT_NE(session.error().message.find("--target"), std::string::npos);
}

TEST(Session, ManySessionsShareOnePlan) {
  const auto loaded = load(small_plan(), "shared");
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      Running running(loaded, {});
      Six x = kInput, y{};
      ASSERT_TRUE(running.session->bind_input(0, bytes(x)).ok());
      ASSERT_TRUE(running.session->bind_output(0, bytes(y)).ok());
      for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(running.session->run().ok());
        ASSERT_EQ(y, kOutput);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

Plan parallel_plan(const std::string& kernel) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {64, 32}, 0);
  builder.plan.inputs = {x};
  uint32_t last = x;
  for (int i = 0; i < 20; ++i) {
    const uint32_t next = builder.arena(std::to_string(i), {64, 32}, 8192 * (1 + i % 2));
    builder.unary(kernel, last, next);
    last = next;
  }
  builder.plan.outputs = {last};
  return builder.plan;
}

TEST(Session, ThreadsShareTheWork) {
  for (const int threads : {1, 2, 5}) {
    Running running(parallel_plan("test.parallel"), {.threads = threads});
    for (int round = 0; round < 50; ++round) {
      auto* const x = reinterpret_cast<float*>(running.session->input_data(0));
      for (int i = 0; i < 64 * 32; ++i) x[i] = static_cast<float>(i + round);
      ASSERT_TRUE(running.session->run().ok());
      const auto* const y = reinterpret_cast<const float*>(running.session->output_data(0));
      for (int i = 0; i < 64 * 32; ++i) ASSERT_EQ(y[i], static_cast<float>(i + round));
    }
  }
}

TEST(Session, RunAllocatesNothing) {
  if (!can_count_allocations()) GTEST_SKIP() << "this build does not count allocations";
  start_counting_allocations();
  ::operator delete(::operator new(8));
  EXPECT_EQ(stop_counting_allocations().memopt, 1) << "the counter itself does not work";

  Running running(parallel_plan("test.parallel"), {.threads = 2, .guard = true, .profile = true});
  start_counting_allocations();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(running.session->run().ok());
  const AllocationCounts counts = stop_counting_allocations();
  EXPECT_EQ(counts.memopt, 0);
  EXPECT_EQ(counts.library, 0);
}

TEST(Session, KernelErrorsNameTheNode) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {4}, 0), y = builder.arena("y", {4}, 64);
  builder.unary("test.fails", x, y);
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  Running running(builder.plan);
  const Status status = running.session->run();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "instruction 0 ('node 0'): the test kernel fails");
}

// x at 0, y = kernel(x) behind it, z beyond y.
Plan guard_plan(const std::string& kernel, bool z_behind_y) {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {16}, 0), y = builder.arena("y", {16}, 128);
  const uint32_t z = builder.arena("z", {16}, z_behind_y ? 192 : 256);
  const uint32_t sum = builder.arena("sum", {16}, 64);
  builder.unary("test.copy", x, z);
  builder.unary(kernel, x, y);
  builder.add(y, z, sum);
  builder.plan.inputs = {x};
  builder.plan.outputs = {sum};
  builder.plan.arena_bytes = 320;
  return builder.plan;
}

TEST(Guard, SilentOnGoodKernels) {
  Running running(guard_plan("test.relu", true), {.guard = true});
  ASSERT_TRUE(running.session->run().ok());
  const GuardReport* const report = running.session->guard_report();
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(report->steps, 3);
}

TEST(Guard, HighWaterMarkIsTheArena) {
  Running running(small_plan(), {.guard = true});
  Six x = kInput, y{};
  ASSERT_TRUE(running.session->bind_input(0, bytes(x)).ok());
  ASSERT_TRUE(running.session->bind_output(0, bytes(y)).ok());
  ASSERT_TRUE(running.session->run().ok());
  EXPECT_EQ(y, kOutput);
  const GuardReport& report = *running.session->guard_report();
  EXPECT_EQ(report.high_water_bytes, 128 + 6 * 4);  // used scratch
  EXPECT_EQ(report.reserved_bytes, running.session->plan().arena_bytes);
}

TEST(Guard, ArenaBeyondWhatStepsUseIsNoticed) {
  Plan plan = guard_plan("test.relu", true);
  plan.arena_bytes = 1024;
  Running running(plan, {.guard = true});
  ASSERT_TRUE(running.session->run().ok());
  EXPECT_EQ(running.session->guard_report()->reserved_bytes, 256);  // the end of z
}

TEST(Guard, CatchesAWriteIntoALiveValue) {
  Running running(guard_plan("test.wild", true), {.guard = true});
  const Status status = running.session->run();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message,
            "guard: instruction 1 ('node 1', kernel 'test.wild', output 'y') wrote byte 194 of the "
            "arena, which belongs to 'z' and is neither its output nor its scratch");
}

TEST(Guard, CatchesAWriteIntoFreeBytes) {
  Running running(guard_plan("test.wild", false), {.guard = true});
  const Status status = running.session->run();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("wrote byte 192 of the arena, which holds nothing"),
            std::string::npos)
      << status.error().message;
}

void expect_violation(const Plan& plan, const std::string& what) {
  Running running(plan, {.guard = true});
  const Status status = running.session->run();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find(what), std::string::npos) << status.error().message;
}

TEST(Guard, CatchesAReadOfDeadBytes) {
  expect_violation(guard_plan("test.reads", true),
                   "left byte 60 of 'y' unwritten, or copied it from bytes that hold nothing");
}

TEST(Guard, CatchesAnOutputLeftUnwritten) {
  expect_violation(guard_plan("test.lazy", true), "left byte 60 of 'y' unwritten");
  Plan plan = guard_plan("test.lazy", true);
  plan.values[1].storage = Storage::kCaller;
  plan.values[1].offset_bytes = 0;
  plan.outputs.push_back(1);
  Running running(plan, {.guard = true});
  std::array<float, 16> y{};
  ASSERT_TRUE(running.session->bind_output(1, std::as_writable_bytes(std::span(y))).ok());
  const Status status = running.session->run();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("left byte 60 of 'y' unwritten"), std::string::npos)
      << status.error().message;
}

TEST(Guard, CatchesAResultMadeOfScratch) {
  Plan plan = guard_plan("test.stale", true);
  plan.instructions[1].scratch_offset_bytes = 256;
  plan.instructions[1].scratch_bytes = 64;
  expect_violation(plan, "of 'y' of bytes that hold nothing");
}

TEST(Profile, TraceParsesAndCoversEveryStep) {
  Running running(concat_plan(), {.profile = true});
  ASSERT_TRUE(running.session->run().ok());
  ASSERT_TRUE(running.session->run().ok());
  EXPECT_EQ(running.session->profile()->runs, 2);
  const auto trace =
      nlohmann::json::parse(to_trace(running.session->plan(), *running.session->profile()));
  int steps = 0;
  std::vector<int64_t> in_use;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] == "X") {
      EXPECT_GE(event["dur"].get<double>(), 0);
      EXPECT_EQ(event["args"]["step"], steps++);
    }
    if (event["ph"] == "C") in_use.push_back(event["args"]["bytes"]);
  }
  EXPECT_EQ(steps, 3);
  // left alone spans all but the last two channels; then both parts; then those and y.
  EXPECT_EQ(in_use, (std::vector<int64_t>{32 + 56, 32 + 64, 64 + 32, 0}));
}

}  // namespace
}  // namespace memopt
