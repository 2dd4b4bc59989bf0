#include "tools/cli/compile_flags.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <thread>

#include "passes/transform/tile.h"
#include "tools/cli/app.h"
#include "tools/cli/budget.h"
#include "tools/cli/streams.h"
#include "tools/cli/tensor_argument.h"

namespace memopt {
namespace {

Error usage(std::string message) { return {Code::kUsage, std::move(message)}; }

// The techniques of the planner that --disable knows besides the passes.
struct Technique {
  std::string_view name;
  bool BufferOptions::*member;
};
constexpr Technique kTechniques[] = {{"views", &BufferOptions::views},
                                     {"destinations", &BufferOptions::destinations},
                                     {"in_place", &BufferOptions::in_place},
                                     {"reuse", &BufferOptions::reuse},
                                     {"order", &BufferOptions::order}};

// The rewrites of the budget.
struct BudgetSwitch {
  std::string_view name;
  bool BudgetTechniques::*member;
};
constexpr BudgetSwitch kBudgetSwitches[] = {{"micro_batch", &BudgetTechniques::micro_batch},
                                            {"rematerialize", &BudgetTechniques::rematerialize},
                                            {"small_scratch", &BudgetTechniques::small_scratch},
                                            {"tile", &BudgetTechniques::tile}};

// Switches off what has this name; false if nothing has.
bool disable(CompileOptions& options, const std::string& name) {
  bool known = false;
  for (const Technique& technique : kTechniques) {
    if (technique.name != name) continue;
    options.buffers.*(technique.member) = false;
    known = true;
  }
  for (const BudgetSwitch& technique : kBudgetSwitches) {
    if (technique.name != name) continue;
    options.budget.techniques.*(technique.member) = false;
    known = true;
  }
  if (find_pass(name)) {
    options.passes.disabled.push_back(name);
    known = true;
  }
  return known;
}

std::string known_switches() {
  std::string names;
  for (const BudgetSwitch& technique : kBudgetSwitches) {
    if (!find_pass(technique.name)) names += std::string(technique.name) + ' ';
  }
  for (const Technique& technique : kTechniques) names += std::string(technique.name) + ' ';
  for (const Pass& pass : all_passes()) names += std::string(pass.name) + ' ';
  return names;
}

Result<std::vector<int64_t>> parse_shape(const std::string& text) {
  std::vector<int64_t> dims;
  const char* next = text.data();
  const char* const end = text.data() + text.size();
  while (next != end) {
    int64_t dim = 0;
    const auto [behind, error] = std::from_chars(next, end, dim);
    if (error != std::errc() || dim < 0 || (behind != end && *behind != 'x')) {
      return usage("malformed shape '" + text + "': needed extents like 1x3x224x224");
    }
    dims.push_back(dim);
    next = behind == end ? end : behind + 1;
  }
  return dims;
}

Result<DimExtent> parse_extent(const std::string& text) {
  DimExtent extent;
  const char* const end = text.data() + text.size();
  auto next = std::from_chars(text.data(), end, extent.min);
  extent.max = extent.min;
  if (next.ec == std::errc() && end - next.ptr > 2 && next.ptr[0] == '.' && next.ptr[1] == '.') {
    next = std::from_chars(next.ptr + 2, end, extent.max);
  }
  if (next.ec != std::errc() || next.ptr != end || extent.min < 0 || extent.max < extent.min) {
    return usage("malformed extent '" + text + "': needed a number such as 8");
  }
  return extent;
}

}  // namespace

void declare_compile_flags(CLI::App& app, CompileFlags& flags) {
  app.add_option("model", flags.model, "ONNX model file; - reads standard input")->required();
  app.add_option("--shape", flags.shapes, "shape of a graph input: x=1x3x224x224 (repeatable)");
  app.add_option("--dim", flags.dims, "extent of a symbolic dimension: batch=1 (repeatable)");
  app.add_option("--bind", flags.bindings,
                 "make a graph input a constant: x=@file.npy or x=@file.pb (repeatable)");
  app.add_option("--external-data-root", flags.external_data_root,
                 "folder that external data may lie in (default: the model's)");
  app.add_flag("--allow-hardlinks", flags.allow_hardlinks,
               "accept external data with several links");
  app.add_option("--target", flags.target,
                 "instruction set and pieces, e.g. avx2:2 (default: this machine's, 2 pieces)");
  app.add_option("--io", flags.io, "where inputs and outputs live: arena or caller")
      ->check(CLI::IsMember({"arena", "caller"}));
  app.add_option("--disable", flags.disabled,
                 "pass or technique to leave out (repeatable): " + known_switches());
  app.add_option("--disable-kernel", flags.disabled_kernels, "kernel to leave out (repeatable)");
  app.add_flag("--reference-kernels", flags.reference_kernels, "use the plain kernels only");
  app.add_option(
      "--tile", flags.tiles,
      "compute a region of the optimized graph in bands of rows (axis 2) or of images "
      "(axis 0): OUTPUT=INPUT[,INPUT...]:AXIS:BANDS[:keep], by the names of values (repeatable)");
  app.add_option("--cost-model", flags.cost_model,
                 "times of kernels, by memopt-bench --calibrate (default: built in)");
  app.add_option("--planner", flags.planner, "placement algorithm (default: the portfolio)");
  app.add_option("--work-limit", flags.work_limit,
                 "work that placement may spend, in units of about 2 microseconds")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--time-limit", flags.time_limit,
                 "seconds of compiling after which the searches are cancelled, as by SIGINT or "
                 "SIGTERM: the best plan so far is written, exit 5 unless it was proved or keeps "
                 "--memory-budget; not reproducible, unlike --work-limit")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seed", flags.seed, "seed of the randomised searches");
}

std::string model_label(const CompileFlags& flags) {
  return flags.model == "-" ? "standard input" : flags.model;
}

std::string model_name(const CompileFlags& flags) {
  return flags.model == "-" ? "" : std::filesystem::path(flags.model).stem().string();
}

Result<ImportedModel> import_model(const CompileFlags& flags) {
  MEMOPT_ASSIGN_OR_RETURN(const ImportOptions options, import_options(flags));
  if (flags.model != "-") return import_onnx(flags.model, options);
  if (!flags.external_data_root.empty()) {
    return usage("--external-data-root: external data needs a model file, not standard input");
  }
  const std::string label = model_label(flags);
  MEMOPT_ASSIGN_OR_RETURN(std::vector<std::byte> bytes,
                          read_stream(std::cin, label, kMaxStreamedModelBytes));
  return import_onnx(std::move(bytes), label, options);
}

Result<ImportOptions> import_options(const CompileFlags& flags) {
  ImportOptions options;
  options.external_data_root = flags.external_data_root;
  options.allow_hardlinks = flags.allow_hardlinks;
  const auto malformed = [](const char* flag, const std::string& text) {
    return usage(std::string(flag) + ": needed NAME=VALUE, found '" + text + "'");
  };
  for (const std::string& text : flags.shapes) {
    const auto assignment = split_assignment(text);
    if (!assignment) return malformed("--shape", text);
    MEMOPT_ASSIGN_OR_RETURN(options.shapes[assignment->first], parse_shape(assignment->second));
  }
  for (const std::string& text : flags.dims) {
    const auto assignment = split_assignment(text);
    if (!assignment) return malformed("--dim", text);
    MEMOPT_ASSIGN_OR_RETURN(options.dims[assignment->first], parse_extent(assignment->second));
  }
  for (const std::string& text : flags.bindings) {
    const auto assignment = split_assignment(text);
    if (!assignment) return malformed("--bind", text);
    MEMOPT_ASSIGN_OR_RETURN(options.bindings[assignment->first],
                            read_tensor_argument(assignment->second));
  }
  return options;
}

Result<CompileOptions> compile_options(const CompileFlags& flags) {
  CompileOptions options;
  Target target{.isa = host_isa()};
  if (!flags.target.empty()) {
    const auto parsed = parse_target(flags.target);
    if (!parsed) return usage("unknown target '" + flags.target + "'");
    target = *parsed;
  }
  options.kernels = {.target = target,
                     .reference_only = flags.reference_kernels,
                     .disabled_kernels = flags.disabled_kernels};
  options.buffers.io_in_arena = flags.io == "arena";
  options.buffers.planner.planner = flags.planner;
  options.buffers.planner.work_limit = flags.work_limit;
  options.buffers.planner.seed = flags.seed;
  options.buffers.planner.threads = static_cast<int>(std::thread::hardware_concurrency());
  for (const std::string& name : flags.disabled) {
    if (!disable(options, name)) {
      return usage("--disable: unknown '" + name + "'; known: " + known_switches());
    }
    options.recorded.push_back("disable=" + name);
  }
  if (!flags.cost_model.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(options.budget.costs, read_cost_model(flags.cost_model));
  }
  for (const std::string& text : flags.tiles) {
    MEMOPT_ASSIGN_OR_RETURN(TileRequest request, parse_tile(text));
    options.tiles.push_back(std::move(request));
    options.recorded.push_back("tile=" + text);
  }
  if (flags.reference_kernels) options.recorded.push_back("reference-kernels=1");
  options.recorded.push_back("io=" + flags.io);
  return options;
}

}  // namespace memopt
