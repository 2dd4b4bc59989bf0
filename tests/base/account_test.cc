#include "runtime/base/account.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace memopt {
namespace {

TEST(Account, CountsMemoryUpToTheLimitAndGivesItBack) {
  Account account(1000);
  EXPECT_TRUE(account.charge(1000, "a").ok());
  EXPECT_FALSE(account.charge(1, "b").ok());
  account.release(1);
  EXPECT_TRUE(account.charge(1, "b").ok());
  EXPECT_EQ(account.memory_bytes(), 1000);
}

TEST(Account, WhatIsRefusedIsNotCounted) {
  Account account(1000, 10);
  EXPECT_FALSE(account.charge(INT64_MAX, "a").ok());
  EXPECT_FALSE(account.charge_work(11, "a").ok());
  EXPECT_EQ(account.memory_bytes(), 0);
  EXPECT_EQ(account.work(), 0);
}

TEST(Account, TheMessageNamesWhoHowMuchWhatIsLeftAndTheFlag) {
  Account account(5000, 70);
  ASSERT_TRUE(account.charge(3000, "first").ok());
  const Status memory = account.charge(2001, "initializer 'w'");
  ASSERT_FALSE(memory.ok());
  EXPECT_EQ(memory.error().code, Code::kBadInput);
  for (const char* part : {"initializer 'w'", "2,001", "2,000", "5,000", "--memory-limit"}) {
    EXPECT_NE(memory.error().message.find(part), std::string::npos) << part;
  }
  ASSERT_TRUE(account.charge_work(60, "first").ok());
  const Status work = account.charge_work(11, "node 'n'");
  ASSERT_FALSE(work.ok());
  EXPECT_EQ(work.error().code, Code::kBadInput);
  for (const char* part : {"node 'n'", "11 ", "10 ", "70", "--work-limit"}) {
    EXPECT_NE(work.error().message.find(part), std::string::npos) << part;
  }
}

TEST(Account, OnlyDefaultLimitsGrowWithTheFiles) {
  Account grows;
  grows.admit_file(1000);
  EXPECT_EQ(grows.memory_limit_bytes(), Account::kDefaultMemoryBytes + 4000);
  EXPECT_EQ(grows.work_limit(), Account::kDefaultWork + 64000);
  grows.admit_file(INT64_MAX);
  EXPECT_EQ(grows.memory_limit_bytes(), INT64_MAX);
  Account fixed(10, 20);
  fixed.admit_file(1000);
  EXPECT_EQ(fixed.memory_limit_bytes(), 10);
  EXPECT_EQ(fixed.work_limit(), 20);
}

TEST(Account, WhatCanBeLeftOutTakesHalfOfTheMemoryAndAQuarterOfTheWork) {
  Account account(4000, 400);
  EXPECT_TRUE(account.affords(2000, 100));
  EXPECT_FALSE(account.affords(2001, 0));
  EXPECT_FALSE(account.affords(0, 101));
  ASSERT_TRUE(account.charge(1, "a").ok());
  EXPECT_FALSE(account.affords(2000, 0));
}

TEST(Account, AReservationIsGivenBackOnce) {
  const auto account = std::make_shared<Account>(100);
  {
    auto reservation = Reservation::make(account, 60, "a");
    ASSERT_TRUE(reservation.ok());
    EXPECT_FALSE(Reservation::make(account, 60, "b").ok());
    Reservation moved = *std::move(reservation);
    Reservation other;
    other = std::move(moved);
    EXPECT_EQ(account->memory_bytes(), 60);
  }
  EXPECT_EQ(account->memory_bytes(), 0);
}

TEST(Account, ThreadsNeverPassTheLimitTogether) {
  Account account(1000);
  std::vector<std::thread> threads;
  threads.reserve(4);
  std::atomic<int> granted = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) granted += account.charge(1, "a").ok();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(granted, 1000);
}

}  // namespace
}  // namespace memopt
