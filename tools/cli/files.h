// The files that a command line names. The type that an option has in --help says what its value
// is, and parse_arguments() refuses what would overwrite an input or write one file twice.
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/base/result.h"

namespace memopt {

// For CLI::Option::type_name().
inline constexpr const char* kInputFile = "FILE";
inline constexpr const char* kInputFileOrStdin = "FILE|-";
inline constexpr const char* kNamedInput = "NAME=SOURCE";  // a file where SOURCE is @FILE
inline constexpr const char* kFolder = "FOLDER";
inline constexpr const char* kOutputFile = "OUT-FILE";
inline constexpr const char* kOutputFileOrStdout = "OUT-FILE|-";

// kUsage where an output has no name, is one of the inputs (the same file, whatever links name it),
// or is written by two options; where - is not taken, or standard input read twice.
Status check_files(const CLI::App& app);

// Of paths: they are one file, or would be.
bool is_same_file(const std::string& a, const std::string& b);

}  // namespace memopt
