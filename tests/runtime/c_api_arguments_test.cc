// Wrong arguments, for every function of memopt.h; sessions that two threads want; owners that were
// moved from.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <thread>
#include <tuple>

#include "memopt/memopt.h"
#include "memopt/memopt.hpp"
#include "runtime/base/file.h"
#include "tests/support/test_plan.h"

namespace memopt {
namespace {

enum class Ends : uint8_t { kInArena, kInCallersMemory };

// y = relu(relu(... x)), `steps` times over `elements` f32 in the arena; `ends` are x and y.
Plan relu_chain(int64_t elements, int steps, Ends ends = Ends::kInArena) {
  TestPlanBuilder builder;
  const Dims dims{elements};
  const auto add = [&](const std::string& name, int64_t offset) {
    const bool is_end = name == "x" || name == "y";
    return is_end && ends == Ends::kInCallersMemory ? builder.caller(name, dims)
                                                    : builder.arena(name, dims, offset);
  };
  const uint32_t x = add("x", 0);
  uint32_t last = x;
  for (int i = 0; i < steps; ++i) {
    const std::string name = i + 1 == steps ? "y" : "v" + std::to_string(i);
    const uint32_t next = add(name, (i + 1) % 2 * 4 * elements);
    builder.unary("test.relu", last, next).kernel = "unary.reference";
    last = next;
  }
  builder.plan.inputs = {x};
  builder.plan.outputs = {last};
  return builder.plan;
}

// A plan, a session with a profile, and what they point to.
class CApiArguments : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = write_temporary(relu_chain(16, 2, Ends::kInCallersMemory), "c_api_arguments");
    file_ = *read_file(path_, 1 << 20);
    ASSERT_EQ(memopt_plan_load_file(path_.c_str(), 0, &plan_), MEMOPT_OK) << memopt_last_error();
    ASSERT_EQ(memopt_session_create(plan_, arena_, sizeof(arena_), &options_, &session_), MEMOPT_OK)
        << memopt_last_error();
    ASSERT_EQ(memopt_session_bind_input(session_, 0, x_, sizeof(x_)), MEMOPT_OK);
    ASSERT_EQ(memopt_session_bind_output(session_, 0, y_, sizeof(y_)), MEMOPT_OK);
  }
  void TearDown() override {
    memopt_session_destroy(session_);
    memopt_plan_destroy(plan_);
  }

  std::string path_;
  std::vector<std::byte> file_;
  memopt_plan* plan_ = nullptr;
  memopt_session* session_ = nullptr;
  memopt_session_options options_{.threads = 1, .guard = 0, .profile = 1};
  alignas(64) char arena_[256] = {}, state_[64] = {};
  float x_[16] = {}, y_[16] = {};
};

// Calls one function with NULL for one pointer after the other, the other arguments good.
class NullChecker {
 public:
  // `may_be_null`: the position of a parameter that documents it.
  template <typename Answer, typename... Parameters>
  void check(const char* name, Answer (*function)(Parameters...),
             const std::type_identity_t<std::tuple<Parameters...>>& good, int may_be_null = -1) {
    names.insert(name);
    check_each(name, function, good, may_be_null, std::index_sequence_for<Parameters...>());
  }
  std::set<std::string> names;

 private:
  template <typename Function, typename Tuple, size_t... I>
  void check_each(const char* name, Function function, const Tuple& good, int may_be_null,
                  std::index_sequence<I...> /*positions*/) {
    (check_one<I>(name, function, good, may_be_null), ...);
  }
  template <size_t I, typename Function, typename Tuple>
  void check_one(const char* name, Function function, Tuple arguments, int may_be_null) {
    if constexpr (std::is_pointer_v<std::tuple_element_t<I, Tuple>>) {
      if (static_cast<int>(I) == may_be_null) return;
      SCOPED_TRACE(std::string(name) + ", parameter " + std::to_string(I));
      std::get<I>(arguments) = nullptr;
      memopt_plan* none = nullptr;
      memopt_plan_load_file("/nonexistent", 0, &none);
      const std::string before = memopt_last_error();
      using Answer = decltype(std::apply(function, arguments));
      if constexpr (std::is_same_v<Answer, memopt_status>) {
        EXPECT_EQ(std::apply(function, arguments), MEMOPT_USAGE);
      } else if constexpr (std::is_pointer_v<Answer>) {
        EXPECT_EQ(std::apply(function, arguments), nullptr);
      } else {
        EXPECT_EQ(std::apply(function, arguments), Answer{0});
      }
      EXPECT_NE(memopt_last_error(), before) << "no message of its own";
    }
  }
};

std::set<std::string> functions_of_header() {
  std::ifstream file(MEMOPT_SOURCE_DIR "/runtime/include/memopt/memopt.h");
  std::stringstream text;
  text << file.rdbuf();
  const std::string code =
      std::regex_replace(text.str(), std::regex(R"(/\*[^*]*\*+([^/*][^*]*\*+)*/)"), "");
  std::set<std::string> names;
  const std::regex declaration(R"(\b(memopt_\w+)\()");
  for (std::sregex_iterator match(code.begin(), code.end(), declaration), end; match != end;
       ++match) {
    names.insert((*match)[1]);
  }
  return names;
}

TEST_F(CApiArguments, EveryPointerOfEveryFunctionMayBeNull) {
  NullChecker checker;
#define CHECK_NULLS(function, ...) checker.check(#function, function, __VA_ARGS__)
  memopt_plan* plan = nullptr;
  memopt_session* session = nullptr;
  memopt_tensor_info info;
  size_t index = 0;
  CHECK_NULLS(memopt_plan_load_file, {path_.c_str(), 0, &plan});
  CHECK_NULLS(memopt_plan_load_memory, {file_.data(), file_.size(), 0, &plan});
  CHECK_NULLS(memopt_plan_arena_bytes, {plan_});
  CHECK_NULLS(memopt_plan_arena_alignment, {plan_});
  CHECK_NULLS(memopt_plan_constants_bytes, {plan_});
  CHECK_NULLS(memopt_plan_state_bytes, {plan_});
  CHECK_NULLS(memopt_plan_input_count, {plan_});
  CHECK_NULLS(memopt_plan_output_count, {plan_});
  CHECK_NULLS(memopt_plan_input, {plan_, 0, &info});
  CHECK_NULLS(memopt_plan_output, {plan_, 0, &info});
  CHECK_NULLS(memopt_plan_find_input, {plan_, "x", &index});
  CHECK_NULLS(memopt_plan_find_output, {plan_, "y", &index});
  CHECK_NULLS(memopt_plan_state_count, {plan_});
  CHECK_NULLS(memopt_plan_state, {plan_, 0, &info});
  CHECK_NULLS(memopt_plan_find_state, {plan_, "h", &index});
  CHECK_NULLS(memopt_session_create, {plan_, arena_, sizeof(arena_), &options_, &session}, 3);
  CHECK_NULLS(memopt_session_bind_input, {session_, 0, x_, sizeof(x_)});
  CHECK_NULLS(memopt_session_bind_output, {session_, 0, y_, sizeof(y_)});
  CHECK_NULLS(memopt_session_bind_state, {session_, state_, sizeof(state_)}, 1);  // has no states
  CHECK_NULLS(memopt_session_reset_state, {session_});
  CHECK_NULLS(memopt_session_state_data, {session_, 0});
  CHECK_NULLS(memopt_session_input_data, {session_, 0});
  CHECK_NULLS(memopt_session_output_data, {session_, 0});
  CHECK_NULLS(memopt_session_run, {session_});
  CHECK_NULLS(memopt_session_write_trace, {session_, path_.c_str()});
#undef CHECK_NULLS
  memopt_session_destroy(nullptr);
  memopt_plan_destroy(nullptr);
  std::set<std::string> all = functions_of_header();
  EXPECT_GE(all.size(), 20u);
  for (const char* name : {"memopt_version", "memopt_last_error", "memopt_session_destroy",
                           "memopt_plan_destroy"}) {  // no pointer, or both called above
    EXPECT_EQ(all.erase(name), 1u) << name;
  }
  EXPECT_EQ(checker.names, all) << "a function of memopt.h is not in this test";
  EXPECT_EQ(plan, nullptr);
  EXPECT_EQ(session, nullptr);
  EXPECT_EQ(memopt_session_run(session_), MEMOPT_OK) << memopt_last_error();
}

TEST_F(CApiArguments, OptionsOutsideOfTheirRangeAreErrors) {
  using Options = memopt_session_options;
  for (const Options wrong : {Options{-1, 0, 0}, Options{1025, 0, 0}, Options{1 << 30, 0, 0},
                              Options{INT32_MIN, 0, 0}, Options{INT32_MAX, 0, 0}, Options{1, 2, 0},
                              Options{1, -1, 0}, Options{1, 0, 2}, Options{1, 0, INT32_MIN}}) {
    memopt_session* session = session_;
    EXPECT_EQ(memopt_session_create(plan_, arena_, sizeof(arena_), &wrong, &session), MEMOPT_USAGE)
        << wrong.threads << ' ' << wrong.guard << ' ' << wrong.profile;
    EXPECT_EQ(session, nullptr);
    EXPECT_STRNE(memopt_last_error(), "");
  }
}

TEST_F(CApiArguments, IndicesAndSizesOutsideOfTheirRangeAreErrors) {
  memopt_tensor_info info;
  for (const size_t wrong : {size_t{1}, size_t{1} << 32, SIZE_MAX}) {
    EXPECT_EQ(memopt_plan_input(plan_, wrong, &info), MEMOPT_USAGE);
    EXPECT_EQ(memopt_plan_output(plan_, wrong, &info), MEMOPT_USAGE);
    EXPECT_EQ(memopt_session_bind_input(session_, wrong, x_, sizeof(x_)), MEMOPT_USAGE);
    EXPECT_EQ(memopt_session_bind_output(session_, wrong, y_, sizeof(y_)), MEMOPT_USAGE);
    EXPECT_EQ(memopt_session_bind_input(session_, 0, x_, wrong), MEMOPT_USAGE);
    EXPECT_EQ(memopt_session_bind_output(session_, 0, y_, wrong), MEMOPT_USAGE);
    EXPECT_EQ(memopt_session_input_data(session_, wrong), nullptr);
    EXPECT_EQ(memopt_session_output_data(session_, wrong), nullptr);
    EXPECT_EQ(memopt_plan_state(plan_, wrong, &info), MEMOPT_USAGE);
    EXPECT_EQ(memopt_session_state_data(session_, wrong), nullptr);
  }
  for (const uint32_t wrong : {4u, 1u << 31, UINT32_MAX}) {
    memopt_plan* plan = plan_;
    EXPECT_EQ(memopt_plan_load_file(path_.c_str(), wrong, &plan), MEMOPT_USAGE);
    EXPECT_EQ(plan, nullptr);
  }
}

TEST_F(CApiArguments, LongMessagesEndInDotsNotWithinACharacter) {
  const std::string path = "/nonexistent/" + std::string(2000, 'a');
  memopt_plan* plan = nullptr;
  EXPECT_EQ(memopt_plan_load_file(path.c_str(), 0, &plan), MEMOPT_BAD_INPUT);
  EXPECT_EQ(std::string(memopt_last_error()), path.substr(0, 1020) + "...");
  std::string umlauts = "/nonexistent/";  // 13 bytes, so the cut falls into one
  for (int i = 0; i < 1000; ++i) umlauts += "\xc3\xa4";
  EXPECT_EQ(memopt_plan_load_file(umlauts.c_str(), 0, &plan), MEMOPT_BAD_INPUT);
  EXPECT_EQ(std::string(memopt_last_error()), umlauts.substr(0, 1019) + "...");
}

// A session whose runs take long enough to be met.
class SharedSession : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string path = write_temporary(relu_chain(1 << 16, 20), "shared_session");
    ASSERT_EQ(memopt_plan_load_file(path.c_str(), 0, &plan_), MEMOPT_OK) << memopt_last_error();
    arena_.resize(memopt_plan_arena_bytes(plan_) + 64);
    void* start = arena_.data();
    size_t space = arena_.size();
    std::align(64, memopt_plan_arena_bytes(plan_), start, space);
    const memopt_session_options options{.threads = 3, .guard = 0, .profile = 1};
    ASSERT_EQ(memopt_session_create(plan_, start, space, &options, &session_), MEMOPT_OK)
        << memopt_last_error();
  }
  void TearDown() override { memopt_plan_destroy(plan_); }

  std::vector<char> arena_;
  memopt_plan* plan_ = nullptr;
  memopt_session* session_ = nullptr;
};

TEST_F(SharedSession, CallsThatMeetAnotherThreadsAreErrorsAndNoDeadlock) {
  const std::string trace = temporary_path("shared_session.json");
  std::atomic<bool> met = false;
  std::atomic<int64_t> done = 0;
  const auto use = [&](auto&& call) {
    while (!met) {
      const memopt_status status = call();
      if (status == MEMOPT_OK) {
        ++done;
        continue;
      }
      EXPECT_EQ(status, MEMOPT_USAGE) << memopt_last_error();
      EXPECT_NE(std::string(memopt_last_error()).find("in use by another thread"),
                std::string::npos);
      met = true;
    }
  };
  {
    std::thread first([&] { use([&] { return memopt_session_run(session_); }); });
    std::thread second([&] { use([&] { return memopt_session_run(session_); }); });
    first.join();
    second.join();
  }
  met = false;
  {
    std::thread first([&] { use([&] { return memopt_session_run(session_); }); });
    std::thread second(
        [&] { use([&] { return memopt_session_write_trace(session_, trace.c_str()); }); });
    first.join();
    second.join();
  }
  EXPECT_GT(done, 0);
  EXPECT_EQ(memopt_session_run(session_), MEMOPT_OK) << memopt_last_error();
  memopt_session_destroy(session_);
}

TEST_F(SharedSession, DestroyWaitsForARun) {
  std::atomic<bool> running = false;
  std::thread other([&] {
    running = true;
    EXPECT_EQ(memopt_session_run(session_), MEMOPT_OK) << memopt_last_error();
  });
  while (!running) std::this_thread::yield();
  // Until the run has begun (or has ended, where this thread was slow).
  for (int i = 0; i < 100 && memopt_session_input_data(session_, 0) != nullptr; ++i) {
    std::this_thread::yield();
  }
  if (memopt_session_input_data(session_, 0) != nullptr) other.join();
  memopt_session_destroy(session_);
  if (other.joinable()) other.join();
}

TEST(CppApi, WhatWasMovedFromThrows) {
  const std::string path = write_temporary(relu_chain(16, 1), "moved_from");
  api::Plan plan(path);
  api::Session session(plan);
  api::Session moved = std::move(session);
  EXPECT_NO_THROW(moved.run());
  const auto throws_usage = [](auto&& call) {
    try {
      call();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const api::Error& error) {
      EXPECT_EQ(error.status(), MEMOPT_USAGE);
      EXPECT_STRNE(error.what(), "");
    }
  };
  throws_usage([&] { session.run(); });  // NOLINT(bugprone-use-after-move)
  throws_usage([&] { session.input<float>("x"); });
  throws_usage([&] { session.write_trace("x"); });
  session = std::move(moved);
  EXPECT_NO_THROW(session.run());
  session = api::Session(plan);  // in a new arena
  EXPECT_NO_THROW(session.run());
  EXPECT_EQ(session.output<float>("y").size(), 16u);
  const api::Plan other = std::move(plan);
  EXPECT_EQ(plan.arena_bytes(), 0u);  // NOLINT(bugprone-use-after-move)
  EXPECT_TRUE(plan.inputs().empty());
  throws_usage([&] { (void)plan.find_input("x"); });
  throws_usage([&] { const api::Session none(plan); });
}

}  // namespace
}  // namespace memopt
