// What tools that compile a model share on the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/onnx/import.h"
#include "passes/compile.h"
#include "passes/planning/planner.h"
#include "runtime/base/account.h"

namespace memopt {

// The limits of a compile's account of memory and work, for every tool that reads a model.
struct AccountFlags {
  std::string memory_limit;
  std::optional<int64_t> work_limit;
};
void declare_account_flags(CLI::App& app, AccountFlags& flags);
// Errors: kUsage, naming the flag.
Result<std::shared_ptr<Account>> make_account(const AccountFlags& flags);

// As text, unless the parser of the command line reads it.
struct CompileFlags {
  std::string model;
  std::vector<std::string> shapes;
  std::vector<std::string> dims;
  std::vector<std::string> bindings;
  std::vector<std::string> states;
  std::vector<std::string> initial_states;
  std::string shapes_from;
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
  int64_t search_limit = PlannerOptions{}.work_limit;
  AccountFlags account;
  uint64_t seed = PlannerOptions{}.seed;
  std::optional<double> time_limit;
};

// The positional `model` and a flag for each member.
void declare_compile_flags(CLI::App& app, CompileFlags& flags);

// How messages call the model: its path, or "standard input".
std::string model_label(const CompileFlags& flags);
// The name that reports show: the model file's without its folder and extension; empty where it
// came from standard input.
std::string model_name(const CompileFlags& flags);
// Reads the model, "-" from standard input (at most kMaxStreamedModelBytes). Extents that had to be
// assumed are said on `err` and recorded in `options`, whose account the import draws on. Errors:
// those of import_onnx(); kUsage, naming the flag.
constexpr int64_t kMaxStreamedModelBytes = int64_t{4} << 30;
Result<ImportedModel> import_model(const CompileFlags& flags, CompileOptions& options,
                                   std::ostream& err);

// Errors: kUsage, naming the flag; those of files that flags name.
Result<ImportOptions> import_options(const CompileFlags& flags, std::shared_ptr<Account> account);
Result<CompileOptions> compile_options(const CompileFlags& flags);

// compile_graph() with the model's name in errors.
Result<std::unique_ptr<CompiledModel>> compile_labelled(const CompileFlags& flags, Graph graph,
                                                        const CompileOptions& options);

}  // namespace memopt
