// Preloaded into a tool, runs its main() once for every point where it can fail, in a process of
// its own each, and writes what happened. The tool's own code is what a user runs. Variables:
//   MEMOPT_FAULTS         "KIND MODE ERROR FIRST STRIDE": allocation, thread or file; once or
//                         forever; an errno, -1 (kShort) or 0. Unset: the tool runs as always
//   MEMOPT_FAULTS_REPORT  the file to write: a line per run, the first of the undisturbed one, with
//                         the fields of write_line() between tabs
//   MEMOPT_FAULTS_WATCH   a folder for the tool's outputs, emptied before every run
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/faults/fork_points.h"

namespace memopt::faults {
namespace {

using MainFunction = int (*)(int, char**, char**);
MainFunction tool_main = nullptr;

using Folder = std::map<std::string, std::string>;  // path, content

Folder read_folder(const std::string& path) {
  Folder folder;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    std::ostringstream content;
    if (entry.is_regular_file()) content << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    folder[entry.path().string()] = content.str();
  }
  return folder;
}

void empty_folder(const std::string& path) {
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    std::filesystem::remove_all(entry.path());
  }
}

// What is wrong with the outputs of a run: a file is complete or not there, and all are there where
// the run succeeded.
std::string problem_of(const Outcome& outcome, const Folder& found, const Folder& expected) {
  const bool succeeded = outcome.status == 0;
  if (succeeded && outcome.output_lost) return "standard output is not complete";
  for (const auto& [path, content] : found) {
    const auto other = expected.find(path);
    if (other == expected.end()) return "left behind " + path;
    if (other->second != content) return "incomplete or different " + path;
  }
  if (succeeded && found.size() != expected.size()) return "an output is missing";
  return "";
}

void write_line(std::ostream& out, const Outcome& outcome, const std::string& problem) {
  std::string message = outcome.message;
  std::replace_if(
      message.begin(), message.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  out << outcome.fault.point << '\t' << outcome.points << '\t'
      << (outcome.hung ? "hung" : std::to_string(outcome.status)) << '\t' << outcome.hit << '\t'
      << outcome.died_in_library << '\t' << problem << '\t' << outcome.fault_stack << '\t'
      << outcome.crash_stack << '\t' << message << std::endl;
}

int run_points(int argc, char** argv, char** environment) {
  const char* const wanted = std::getenv("MEMOPT_FAULTS");
  if (wanted == nullptr) return tool_main(argc, argv, environment);
  std::string kind, mode;
  Fault fault;
  Sampling sampling;
  std::istringstream(wanted) >> kind >> mode >> fault.error >> sampling.first >> sampling.stride;
  fault.kind =
      kind == "allocation" ? Kind::kAllocation : (kind == "thread" ? Kind::kThread : Kind::kFile);
  fault.mode = mode == "once" ? Mode::kOnce : Mode::kForever;
  const std::string watched = std::getenv("MEMOPT_FAULTS_WATCH");
  std::ofstream report(std::getenv("MEMOPT_FAULTS_REPORT"));
  Folder expected;
  empty_folder(watched);
  const auto body = [&] { return tool_main(argc, argv, environment); };
  for_each_point(fault, sampling, body, [&](const Outcome& outcome) {
    const Folder found = read_folder(watched);
    empty_folder(watched);
    if (outcome.fault.point == 0) expected = found;
    write_line(report, outcome, problem_of(outcome, found, expected));
  });
  return report ? 0 : 1;
}

}  // namespace
}  // namespace memopt::faults

// The C library calls main().
// NOLINTNEXTLINE(bugprone-reserved-identifier, readability-identifier-naming)
extern "C" int __libc_start_main(memopt::faults::MainFunction main, int argc, char** argv,
                                 void (*init)(), void (*fini)(), void (*end_of_loader)(),
                                 void* end_of_stack) {
  memopt::faults::tool_main = main;
  auto* const start =
      reinterpret_cast<decltype(&__libc_start_main)>(::dlsym(RTLD_NEXT, "__libc_start_main"));
  return start(memopt::faults::run_points, argc, argv, init, fini, end_of_loader, end_of_stack);
}
