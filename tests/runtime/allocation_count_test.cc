#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/kernels/library_scope.h"
#include "tests/support/samples.h"
#include "tools/allocation/count.h"

namespace memopt {
namespace {

class AllocationCount : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can_count_allocations()) GTEST_SKIP() << "this build does not count allocations";
  }
};

TEST_F(AllocationCount, KeepsWhatIsNotGivenBack) {
  start_counting_allocations();
  void* volatile kept = std::malloc(1000);
  void* volatile freed = std::malloc(5000);
  std::free(freed);
  const AllocationCounts counts = stop_counting_allocations();
  std::free(kept);
  EXPECT_EQ(counts.memopt, 2);
  EXPECT_GE(counts.kept_heap_bytes, 1000);
  EXPECT_LE(counts.kept_heap_bytes, 1100);
  EXPECT_EQ(counts.kept_mapped_bytes, 0);
}

TEST_F(AllocationCount, FollowsABlockThatGrows) {
  void* volatile block = std::malloc(1000);
  start_counting_allocations();
  block = std::realloc(block, 100000);
  const AllocationCounts counts = stop_counting_allocations();
  std::free(block);
  EXPECT_GE(counts.kept_heap_bytes, 98900);
  EXPECT_LE(counts.kept_heap_bytes, 99100);
}

TEST_F(AllocationCount, CountsTheTouchedPagesOfMappings) {
  constexpr size_t kBytes = 1 << 23;
  const int64_t page_bytes = ::sysconf(_SC_PAGESIZE);
  const auto map = [] {
    return ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  };
  start_counting_allocations();
  void* const kept = map();
  void* const given_back = map();
  ASSERT_NE(kept, MAP_FAILED);
  ASSERT_NE(given_back, MAP_FAILED);
  ::madvise(kept, kBytes, MADV_NOHUGEPAGE);
  static_cast<volatile char*>(kept)[0] = 1;
  static_cast<volatile char*>(kept)[kBytes - 1] = 1;
  static_cast<volatile char*>(given_back)[0] = 1;
  ::munmap(given_back, kBytes);
  const AllocationCounts counts = stop_counting_allocations();
  ::munmap(kept, kBytes);
  EXPECT_EQ(counts.kept_mapped_bytes, 2 * page_bytes);
  EXPECT_EQ(counts.kept_heap_bytes, 0);
}

// --- what kernels allocate while they run ---

using testing::RunOptions;
using testing::Sample;

// What one run of the kernel in `options` allocates; nullopt where it does not serve the request.
std::optional<AllocationCounts> count_run(const Op& op,
                                          const std::vector<const testing::HostTensor*>& inputs,
                                          RunOptions options) {
  if (!is_supported(op, inputs, options)) return std::nullopt;
  AllocationCounts counts;
  options.around_run = [&](bool begins) {
    if (begins) {
      start_counting_allocations();
    } else {
      counts = stop_counting_allocations();
    }
  };
  const auto outputs = run_op(op, inputs, options);
  EXPECT_TRUE(outputs.ok()) << outputs.error().message;
  return counts;
}

// Every way in which a kernel of `sample` can be asked to run here.
template <typename Body>
void for_each_run(const Sample& sample, Body&& body) {
  testing::ReversedParallel parallel;
  const auto dense = make_inputs(sample);
  for (const KernelDef* kernel : kernels_for(op_kind(sample.op))) {
    for (const Isa isa : {Isa::kPortable, host_isa()}) {
      for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast}) {
        for (const bool constants : {false, true}) {
          auto inputs = dense;
          for (size_t i = 0; i < (constants ? 1 : inputs.size()); ++i) {
            auto& input = inputs[i];
            if (!input || dtype_bits(input->dtype) < 8 || input->dims.rank() < 3) continue;
            input = stored_as(*input, layout);
          }
          body(*kernel, pointers_to(inputs),
               RunOptions{.kernel = kernel,
                          .layout = layout,
                          .parallel = &parallel,
                          .target = {.isa = isa, .pieces = 2},
                          .constants = constants});
        }
      }
    }
  }
}

TEST_F(AllocationCount, NoKernelAllocatesInRunAndTheLibraryLittle) {
  // What oneDNN takes in one call of a kernel, which is one or two of its own per piece.
  constexpr int64_t kMostCalls = 64, kMostBytes = 4 << 10;
  int64_t runs = 0;
  AllocationCounts most;
  std::string most_calls, most_bytes;
  for (const Sample& sample : testing::all_samples()) {
    for_each_run(sample,
                 [&](const KernelDef& kernel, const auto& inputs, const RunOptions& options) {
                   const auto counts = count_run(sample.op, inputs, options);
                   if (!counts) return;
                   const std::string name = sample.name + ", " + std::string(kernel.name);
                   EXPECT_EQ(counts->memopt, 0) << name;
                   EXPECT_LE(counts->library, kMostCalls) << name;
                   EXPECT_LE(counts->library_bytes, kMostBytes) << name;
                   if (counts->library > most.library) most_calls = name;
                   if (counts->library_bytes > most.library_bytes) most_bytes = name;
                   most.library = std::max(most.library, counts->library);
                   most.library_bytes = std::max(most.library_bytes, counts->library_bytes);
                   ++runs;
                 });
  }
  std::printf("%lld runs; the library at most %lld times (%s), %lld bytes (%s)\n",
              static_cast<long long>(runs), static_cast<long long>(most.library),
              most_calls.c_str(), static_cast<long long>(most.library_bytes), most_bytes.c_str());
  EXPECT_GT(runs, 1000);
}

// The test above sees a kernel that allocates, and tells the library's apart.
TEST_F(AllocationCount, SeesAKernelThatAllocates) {
  struct Allocating final : Kernel {
    Status run(const RunContext& /*context*/) override {
      // Not a call that the compiler knows, and may move.
      void* (*volatile allocate)(size_t) = std::malloc;
      std::free(allocate(100));
      const LibraryScope scope;
      std::free(allocate(1000));
      return {};
    }
  };
  static const KernelDef kAllocating = {
      .name = "test.allocating",
      .op = op_kind(Unary{}),
      .supports = [](const KernelRequest&) { return true; },
      .create = [](const KernelRequest&) -> Result<std::unique_ptr<Kernel>> {
        return std::unique_ptr<Kernel>(new Allocating);
      }};
  const auto x = testing::f32({2}, {1, 2});
  const auto counts = count_run(Unary{}, {&x}, {.kernel = &kAllocating});
  ASSERT_TRUE(counts.has_value());
  EXPECT_EQ(counts->memopt, 1);
  EXPECT_EQ(counts->library, 1);
  EXPECT_EQ(counts->library_bytes, 1000);
}

}  // namespace
}  // namespace memopt
