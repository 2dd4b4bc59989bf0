// What tools that compile a model share on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compiler/onnx/import.h"
#include "passes/compile.h"
#include "passes/planning/planner.h"

namespace memopt {

// As text, unless the parser of the command line reads it.
struct CompileFlags {
  std::string model;
  std::vector<std::string> shapes;
  std::vector<std::string> dims;
  std::vector<std::string> bindings;
  std::string external_data_root;
  bool allow_hardlinks = false;
  std::string target;
  std::string io = "arena";
  std::vector<std::string> disabled;
  std::vector<std::string> disabled_kernels;
  bool reference_kernels = false;
  std::vector<std::string> tiles;
  std::string cost_model;
  std::string planner;
  int64_t work_limit = PlannerOptions{}.work_limit;
  uint64_t seed = PlannerOptions{}.seed;
  std::optional<double> time_limit;
};

// The positional `model` and a flag for each member.
void declare_compile_flags(CLI::App& app, CompileFlags& flags);

// Errors: kUsage, naming the flag.
Result<ImportOptions> import_options(const CompileFlags& flags);
Result<CompileOptions> compile_options(const CompileFlags& flags);

}  // namespace memopt
