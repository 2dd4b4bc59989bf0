// What sessions need of the stack of the thread that creates and runs them: embedders use small
// ones. memopt.h states the number.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>

#include "runtime/executor/session.h"
#include "tests/support/samples.h"
#include "tests/support/test_plan.h"

namespace memopt {
namespace {

constexpr size_t kStackBytes = size_t{512} << 10;
constexpr size_t kPromisedBytes = size_t{256} << 10;  // memopt.h

// The stack that `body` uses, in bytes: it runs in a thread on memory that is painted before.
size_t stack_bytes_of(const std::function<void()>& body) {
  void* const memory = ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    ADD_FAILURE() << "no memory for a stack";
    return 0;
  }
  const auto* const bytes = static_cast<const unsigned char*>(memory);
  std::memset(memory, 0xa5, kStackBytes);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstack(&attributes, memory, kStackBytes);
  pthread_t thread;
  const auto call = [](void* function) -> void* {
    (*static_cast<const std::function<void()>*>(function))();
    return nullptr;
  };
  EXPECT_EQ(::pthread_create(&thread, &attributes, call, const_cast<std::function<void()>*>(&body)),
            0);
  ::pthread_join(thread, nullptr);
  ::pthread_attr_destroy(&attributes);
  const auto* const touched =
      std::find_if(bytes, bytes + kStackBytes, [](unsigned char b) { return b != 0xa5; });
  const auto used = static_cast<size_t>(bytes + kStackBytes - touched);
  ::munmap(memory, kStackBytes);
  return used;
}

bool stacks_are_usual() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;  // sanitizers' frames are many times as large
#else
  return true;
#endif
}

TEST(Stack, IsSmallForEveryKernelOfEverySample) {
  if (!stacks_are_usual()) GTEST_SKIP() << "this build has a sanitizer";
  size_t most = 0;
  std::string largest;
  int64_t kernels = 0;
  for (const testing::Sample& sample : testing::all_samples()) {
    const auto inputs = make_inputs(sample);
    const auto pointers = pointers_to(inputs);
    for (const KernelDef* kernel : kernels_for(op_kind(sample.op))) {
      for (const bool constants : {false, true}) {
        const testing::RunOptions options{
            .kernel = kernel, .target = {host_isa(), 2}, .constants = constants};
        if (!is_supported(sample.op, pointers, options)) continue;
        const size_t used = stack_bytes_of([&] {
          const auto outputs = run_op(sample.op, pointers, options);
          EXPECT_TRUE(outputs.ok()) << outputs.error().message;
        });
        ++kernels;
        EXPECT_LE(used, kPromisedBytes) << sample.name << ", " << kernel->name;
        if (used > most) {
          most = used;
          largest = sample.name + ", " + std::string(kernel->name);
        }
      }
    }
  }
  std::printf("%lld kernels, at most %zu bytes of stack (%s)\n", static_cast<long long>(kernels),
              most, largest.c_str());
  EXPECT_GT(kernels, 300);
}

TEST(Stack, IsSmallForLoadingCreatingAndRunning) {
  if (!stacks_are_usual()) GTEST_SKIP() << "this build has a sanitizer";
  TestPlanBuilder builder;
  uint32_t last = builder.arena("x", {16}, 0);
  builder.plan.inputs = {last};
  for (int i = 0; i < 5000; ++i) {
    const uint32_t next = builder.arena("v" + std::to_string(i), {16}, (i + 1) % 2 * 64);
    builder.unary("test.copy", last, next);
    last = next;
  }
  builder.plan.outputs = {last};
  const std::string path = write_temporary(builder.plan, "stack");
  const size_t used = stack_bytes_of([&] {
    const auto loaded = load_plan(path, {.kernels = test_kernel});
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    const auto arena = PageBuffer::allocate((*loaded)->plan().arena_bytes);
    auto session =
        Session::create(*loaded, arena->bytes(), {.threads = 2, .guard = true, .profile = true});
    ASSERT_TRUE(session.ok()) << session.error().message;
    EXPECT_TRUE((*session)->run().ok());
  });
  std::printf("%zu bytes of stack\n", used);
  EXPECT_LE(used, kPromisedBytes);
}

}  // namespace
}  // namespace memopt
