// The main of a mutated test binary. Without arguments of its own it runs the tests as they are;
// else
//   --mutation-cover=FILE  runs all tests and writes of each its name, CPU milliseconds and the
//   mutants it reaches
//   --mutation-run         reads lines "MUTANT ALLOWANCE_S FILTER FILTER ...", runs each in a
//   process of its own, filter by
//                          filter up to the first failure, and answers "MUTANT survived" or "MUTANT
//                          killed BY"
//   --mutation-not-sites   prints the mutants whose operands have no types that they speak about
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <sstream>

#include "mutation/mutant.h"

namespace {

using mutant::kMost;
constexpr rlim_t kMemoryBytes = rlim_t{6} << 30;

int64_t cpu_ms() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1000000;
}

std::string full_name(const testing::TestInfo& test) {
  return std::string(test.test_suite_name()) + "." + test.name();
}

void print_set(std::ostream& out, const unsigned char* flags) {
  for (int i = 0; i < kMost; ++i) {
    if (!flags[i]) continue;
    int last = i;
    while (last + 1 < kMost && flags[last + 1]) ++last;
    out << ' ' << i << '-' << last;
    i = last;
  }
}

class Coverage : public testing::EmptyTestEventListener {
 public:
  explicit Coverage(const std::string& path) : out_(path) {}
  void OnTestStart(const testing::TestInfo&) override { start_ms_ = cpu_ms(); }
  void OnTestEnd(const testing::TestInfo& test) override {
    out_ << full_name(test) << '\t' << cpu_ms() - start_ms_ << '\t';
    out_ << (test.result()->Failed() ? "failed" : "passed") << '\t';
    print_set(out_, mutant::reached);  // with what ran before it since the last test
    out_ << std::endl;
    std::memset(mutant::reached, 0, kMost);
  }

 private:
  std::ofstream out_;
  int64_t start_ms_ = 0;
};

// Ends the process at the first failure, and says where it is in memory that the parent sees.
class FirstFailure : public testing::EmptyTestEventListener {
 public:
  explicit FirstFailure(char* where) : where_(where) {}
  void OnTestStart(const testing::TestInfo& test) override {
    std::strncpy(where_, full_name(test).c_str(), 1023);
  }
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.failed()) _exit(1);
  }

 private:
  char* where_;
};

void limit(int what, rlim_t most) {
  const rlimit both{most, most};
  setrlimit(what, &both);
}

// A mutant that hangs is stopped after the CPU time that these tests may take.
void allow_cpu(int64_t seconds) {
  rlimit now{};
  getrlimit(RLIMIT_CPU, &now);
  now.rlim_cur = static_cast<rlim_t>(cpu_ms() / 1000 + seconds);
  setrlimit(RLIMIT_CPU, &now);
  alarm(static_cast<unsigned>(60 + 10 * seconds));
}

[[noreturn]] void run_mutant(int id, std::istringstream& line, char* where) {
  if (!std::freopen("/dev/null", "w", stdout) || !std::freopen("/dev/null", "w", stderr)) _exit(2);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_AS, kMemoryBytes);
  mutant::active = id;
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new FirstFailure(where));
  int64_t allowance_s = 0;
  std::string filter;
  while (line >> allowance_s >> filter) {
    testing::GTEST_FLAG(filter) = filter;
    allow_cpu(allowance_s);
    if (RUN_ALL_TESTS() != 0) _exit(1);
  }
  _exit(0);
}

int run_mutants() {
  auto* const where = static_cast<char*>(
      mmap(nullptr, 1024, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  std::string text;
  while (std::getline(std::cin, text)) {
    std::istringstream line(text);
    int id = -1;
    line >> id;
    std::memset(where, 0, 1024);
    const pid_t child = fork();
    if (child == 0) run_mutant(id, line, where);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      std::cout << id << "\tsurvived\t" << std::endl;
      continue;
    }
    std::cout << id << "\tkilled\t" << where;
    if (WIFSIGNALED(status)) std::cout << " (" << strsignal(WTERMSIG(status)) << ')';
    std::cout << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const std::string mode = argc > 1 ? argv[1] : "";
  const std::string cover = "--mutation-cover=";
  if (mode.starts_with(cover)) {
    testing::UnitTest::GetInstance()->listeners().Append(new Coverage(mode.substr(cover.size())));
    return RUN_ALL_TESTS();
  }
  if (mode == "--mutation-run") return run_mutants();
  if (mode == "--mutation-not-sites") {
    print_set(std::cout, mutant::not_sites);
    return 0;
  }
  return RUN_ALL_TESTS();
}
