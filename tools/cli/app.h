// What the command-line tools share: parsing with the right exit codes, printing errors, main().
//
// Every tool is a function `int run_x(const Arguments& arguments, std::ostream& out, std::ostream&
// err)`: results on `out`, log and progress on `err`, the exit status of DESIGN.md's table (Code)
// returned. main() is one line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace memopt {

using Arguments = std::vector<std::string>;  // without the program's name
using ToolFunction = int (*)(const Arguments& arguments, std::ostream& out, std::ostream& err);

// Parses and checks the files that are named (files.h); on --help, --version or an error prints
// what belongs and returns the exit status to leave with.
std::optional<int> parse_arguments(CLI::App& app, const Arguments& arguments, std::ostream& out,
                                   std::ostream& err);

// "memopt-x: error: message" on `err`, printable and on one line; returns the exit status of the
// error's code.
int report_error(const CLI::App& app, const Error& error, std::ostream& err);

// A new app with --version, named "memopt-<name>".
std::unique_ptr<CLI::App> make_app(std::string_view name, std::string_view summary);

// Calls the tool with the process's arguments and streams. Whatever escapes as an exception (memory
// exhausted, say) becomes a message and exit status 9 or 1, and so does a result that standard
// output does not take (9). Signals leave nothing temporary behind (signals.h).
int tool_main(ToolFunction tool, int argc, const char* const* argv);

// Accepts numbers from `least` to `most`, which say the unit in the flag's help; NaN, infinities
// and what is no number are refused.
CLI::Validator number_between(double least, double most);
inline constexpr double kMostSeconds = 1e9;  // of limits of time
// The same of integers, in digits.
CLI::Validator integer_between(int64_t least, uint64_t most);
inline constexpr uint64_t kMostWork = 9'000'000'000'000'000'000;  // of limits of work
inline constexpr uint64_t kMostSeed = UINT64_MAX;

// Splits "name=value"; nullopt without '=' or with an empty name.
std::optional<std::pair<std::string, std::string>> split_assignment(const std::string& text);

}  // namespace memopt
