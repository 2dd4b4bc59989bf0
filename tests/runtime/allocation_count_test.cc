#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

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

}  // namespace
}  // namespace memopt
