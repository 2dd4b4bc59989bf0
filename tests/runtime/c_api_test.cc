// The C API and its C++ wrapper, as an embedder uses them: with the kernels of the build.
#include <gtest/gtest.h>

#include <thread>

#include "memopt/memopt.h"
#include "memopt/memopt.hpp"
#include "runtime/base/file.h"
#include "tests/support/test_plan.h"

namespace memopt {
namespace {

// y = relu(x), with the reference kernel, in the arena or in the caller's memory.
Plan relu_plan(bool in_arena) {
  TestPlanBuilder builder;
  const Dims dims{2, 3};
  const uint32_t x = in_arena ? builder.arena("x", dims, 0) : builder.caller("x", dims);
  const uint32_t y = in_arena ? builder.arena("y", dims, 64) : builder.caller("y", dims);
  builder.unary("test.relu", x, y).kernel = "unary.reference";
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  return builder.plan;
}

TEST(CApi, RunsInCallersMemory) {
  const std::string path = write_temporary(relu_plan(false), "c_api");
  memopt_plan* plan = nullptr;
  ASSERT_EQ(memopt_plan_load_file(path.c_str(), MEMOPT_LOAD_DEFAULT, &plan), MEMOPT_OK)
      << memopt_last_error();
  memopt_tensor_info info;
  ASSERT_EQ(memopt_plan_input(plan, 0, &info), MEMOPT_OK);
  EXPECT_STREQ(info.name, "x");
  EXPECT_EQ(info.dtype, MEMOPT_FLOAT32);
  EXPECT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[1], 3);
  EXPECT_EQ(info.strides[0], 3);
  EXPECT_EQ(info.bytes, 24u);
  EXPECT_EQ(info.in_caller_memory, 1);
  memopt_session* session = nullptr;
  alignas(64) char arena[64];
  ASSERT_EQ(memopt_session_create(plan, arena, sizeof(arena), nullptr, &session), MEMOPT_OK)
      << memopt_last_error();
  memopt_plan_destroy(plan);
  float x[6] = {-1, 2, -3, 4, -5, 6}, y[6] = {};
  EXPECT_EQ(memopt_session_run(session), MEMOPT_USAGE);
  EXPECT_STREQ(memopt_last_error(), "'x' is not bound to a buffer");
  ASSERT_EQ(memopt_session_bind_input(session, 0, x, sizeof(x)), MEMOPT_OK);
  ASSERT_EQ(memopt_session_bind_output(session, 0, y, sizeof(y)), MEMOPT_OK);
  ASSERT_EQ(memopt_session_run(session), MEMOPT_OK) << memopt_last_error();
  EXPECT_EQ(y[1], 2);
  EXPECT_EQ(y[2], 0);
  EXPECT_EQ(memopt_session_input_data(session, 7), nullptr);
  EXPECT_EQ(memopt_session_output_data(session, 0), y);
  memopt_session_destroy(session);
}

TEST(CApi, WrongArgumentsAreErrors) {
  memopt_plan* plan = nullptr;
  EXPECT_EQ(memopt_plan_load_file("/nonexistent", 0, &plan), MEMOPT_BAD_INPUT);
  EXPECT_EQ(memopt_plan_load_file(nullptr, 0, &plan), MEMOPT_USAGE);
  EXPECT_EQ(memopt_plan_load_file("x", 99, &plan), MEMOPT_USAGE);
  EXPECT_EQ(memopt_plan_load_memory("abc", 3, 0, &plan), MEMOPT_BAD_INPUT);
  EXPECT_EQ(plan, nullptr);
  const std::string path = write_temporary(relu_plan(true), "c_api_wrong");
  ASSERT_EQ(memopt_plan_load_file(path.c_str(), MEMOPT_LOAD_COPY, &plan), MEMOPT_OK);
  size_t index = 0;
  EXPECT_EQ(memopt_plan_find_input(plan, "z", &index), MEMOPT_USAGE);
  EXPECT_STREQ(memopt_last_error(), "no tensor 'z'; there are 'x'");
  memopt_tensor_info info;
  EXPECT_EQ(memopt_plan_output(plan, 1, &info), MEMOPT_USAGE);
  memopt_session* session = nullptr;
  EXPECT_EQ(memopt_session_create(plan, nullptr, 100, nullptr, &session), MEMOPT_USAGE);
  EXPECT_EQ(session, nullptr);
  memopt_plan_destroy(plan);
  memopt_plan_destroy(nullptr);
  memopt_session_destroy(nullptr);
}

TEST(CApi, LastErrorBelongsToTheThread) {
  memopt_plan* plan = nullptr;
  EXPECT_EQ(memopt_plan_load_file(nullptr, 0, &plan), MEMOPT_USAGE);
  std::thread([] { EXPECT_STREQ(memopt_last_error(), ""); }).join();
  EXPECT_STREQ(memopt_last_error(), "path is NULL");
}

TEST(CppApi, RunsFromMemoryInItsOwnArena) {
  auto file = *read_file(write_temporary(relu_plan(true), "cpp_api"), 1 << 20);
  file.insert(file.begin(), std::byte{0});  // whatever the alignment
  const api::Plan plan(std::span<const std::byte>(file).subspan(1));
  api::Session session(plan, {.threads = 2, .guard = 1, .profile = 0});
  const auto x = session.input<float>("x");
  ASSERT_EQ(x.size(), 6u);
  for (size_t i = 0; i < 6; ++i) x[i] = static_cast<float>(i) - 3;
  session.run();
  EXPECT_EQ(session.output<float>("y")[5], 2);
  EXPECT_EQ(session.output<float>("y")[0], 0);
  EXPECT_THROW(session.input<double>("x"), api::Error);
  EXPECT_THROW(session.output<float>("none"), api::Error);
}

TEST(CppApi, FailuresCarryStatusAndMessage) {
  try {
    const api::Plan plan("/nonexistent.plan");
    FAIL();
  } catch (const api::Error& error) {
    EXPECT_EQ(error.status(), MEMOPT_BAD_INPUT);
    EXPECT_NE(std::string(error.what()).find("/nonexistent.plan"), std::string::npos);
  }
}

}  // namespace
}  // namespace memopt
