#include "tools/cli/compile_flags.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <thread>

#include "passes/transform/tile.h"
#include "runtime/base/printable.h"
#include "runtime/kernels/kernel.h"
#include "tools/cli/app.h"
#include "tools/cli/budget.h"
#include "tools/cli/files.h"
#include "tools/cli/names.h"
#include "tools/cli/shapes.h"
#include "tools/cli/sizes.h"
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

// What --disable knows.
std::vector<std::string_view> known_switches() {
  std::vector<std::string_view> names;
  for (const BudgetSwitch& technique : kBudgetSwitches) {
    if (!find_pass(technique.name)) names.push_back(technique.name);
  }
  for (const Technique& technique : kTechniques) names.push_back(technique.name);
  for (const Pass& pass : all_passes()) names.push_back(pass.name);
  return names;
}

std::string switches_text() {
  std::string text;
  for (const std::string_view name : known_switches()) text += ' ' + std::string(name);
  return text;
}

Status check_kernels(const std::vector<std::string>& names) {
  std::vector<std::string_view> known;
  for (OpKind op = 0; op < kOpCount; ++op) {
    for (const KernelDef* kernel : kernels_for(op)) known.push_back(kernel->name);
  }
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return unknown_name("--disable-kernel", name, known);
    }
  }
  return {};
}

// "avx2" of "avx2:2".
std::string isa_name(const std::string& target) { return target.substr(0, target.find(':')); }

Result<Target> target_of(const std::string& text) {
  if (text.empty()) return Target{.isa = host_isa()};
  const std::optional<Target> target = parse_target(text);
  if (target) return *target;
  std::vector<std::string> names;
  for (const Isa isa :
       {Isa::kPortable, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512Bf16, Isa::kAmx}) {
    names.push_back(isa_name(to_string(Target{.isa = isa})));
  }
  const std::string isa = isa_name(text);
  if (std::find(names.begin(), names.end(), isa) == names.end()) {
    return unknown_name("--target", isa, std::vector<std::string_view>(names.begin(), names.end()));
  }
  return usage("--target: needed " + isa + " or " + isa + ":PIECES, PIECES from 1 to 256, found '" +
               text + "'");
}

Status check_planner(const std::string& name) {
  std::vector<std::string_view> known;
  for (const Planner& planner : planners()) known.emplace_back(planner.name);
  if (name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return {};
  return unknown_name("--planner", name, known);
}

Result<std::vector<int64_t>> parse_shape(const std::string& text) {
  std::vector<int64_t> dims;
  const char* next = text.data();
  const char* const end = text.data() + text.size();
  while (next != end) {
    int64_t dim = 0;
    const auto [behind, error] = std::from_chars(next, end, dim);
    const bool goes_on = behind != end && *behind == 'x' && behind + 1 != end;
    if (error != std::errc() || dim < 0 || (behind != end && !goes_on)) {
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

// "@file.npy", "@file.pb" or a number.
Result<std::variant<TensorData, double>> parse_binding(const std::string& text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc() && next == end) return {number};
  if (!text.starts_with('@')) {
    return usage("needed @FILE.npy, @FILE.pb or a number, found '" + text + "'");
  }
  MEMOPT_ASSIGN_OR_RETURN(TensorData tensor, read_tensor_argument(text));
  return {std::move(tensor)};
}

Result<std::vector<StateOption>> parse_states(const CompileFlags& flags) {
  std::vector<StateOption> states;
  for (const std::string& text : flags.states) {
    const auto assignment = split_assignment(text);
    if (!assignment) return usage("--state: needed INPUT=OUTPUT, found '" + text + "'");
    states.push_back({.input = assignment->first, .output = assignment->second});
  }
  for (const std::string& text : flags.initial_states) {
    const auto assignment = split_assignment(text);
    if (!assignment) return usage("--state-from: needed INPUT=@FILE, found '" + text + "'");
    const auto state = std::ranges::find(states, assignment->first, &StateOption::input);
    if (state == states.end()) {
      return usage("--state-from " + text + ": --state names no such input");
    }
    if (state->initial) return usage("--state-from " + text + ": is given twice");
    MEMOPT_ASSIGN_OR_RETURN(state->initial, read_tensor_argument(assignment->second));
  }
  return states;
}

Result<ImportedModel> read_model(const CompileFlags& flags, std::shared_ptr<Account> account) {
  MEMOPT_ASSIGN_OR_RETURN(const ImportOptions options, import_options(flags, std::move(account)));
  if (flags.model != "-") return import_onnx(flags.model, options);
  if (!flags.external_data_root.empty()) {
    return usage("--external-data-root: external data needs a model file, not standard input");
  }
  const std::string label = model_label(flags);
  MEMOPT_ASSIGN_OR_RETURN(std::vector<std::byte> bytes,
                          read_stream(std::cin, label, kMaxStreamedModelBytes));
  return import_onnx(std::move(bytes), label, options);
}

}  // namespace

void declare_compile_flags(CLI::App& app, CompileFlags& flags) {
  app.add_option("model", flags.model, "ONNX model file; - reads standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  app.add_option("--shape", flags.shapes, "shape of a graph input: x=1x3x224x224 (repeatable)")
      ->type_name("NAME=SHAPE");
  app.add_option("--dim", flags.dims, "extent of a symbolic dimension: batch=1 (repeatable)")
      ->type_name("NAME=EXTENT");
  app.add_option("--bind", flags.bindings,
                 "make a graph input a constant: x=@file.npy, x=@file.pb or x=16000 (repeatable)")
      ->type_name(kNamedInput);
  app.add_option("--state", flags.states,
                 "keep a value from run to run: h=hn makes input h what output hn was in the run "
                 "before, zeros in the first (repeatable)")
      ->type_name("INPUT=OUTPUT");
  app.add_option("--state-from", flags.initial_states,
                 "what a state is in the first run: h=@file.npy or h=@file.pb (repeatable)")
      ->type_name(kNamedInput);
  app.add_option("--shapes-from", flags.shapes_from,
                 "folder with an example of each input, whose shapes are taken: input_K.pb (as in "
                 "ONNX's test_data_set_K) or NAME.npy")
      ->type_name(kFolder);
  app.add_option("--external-data-root", flags.external_data_root,
                 "folder that external data may lie in (default: the model's)")
      ->type_name(kFolder);
  app.add_flag("--allow-hardlinks", flags.allow_hardlinks,
               "accept external data with several links");
  app.add_option("--target", flags.target,
                 "instruction set and pieces, e.g. avx2:2 (default: this machine's, 2 pieces)")
      ->type_name("ISA[:PIECES]");
  app.add_option("--io", flags.io, "where inputs and outputs live: arena or caller")
      ->check(CLI::IsMember({"arena", "caller"}));
  app.add_option("--disable", flags.disabled,
                 "pass or technique to leave out (repeatable):" + switches_text());
  app.add_option("--disable-kernel", flags.disabled_kernels, "kernel to leave out (repeatable)");
  app.add_flag("--reference-kernels", flags.reference_kernels, "use the plain kernels only");
  app.add_option(
      "--tile", flags.tiles,
      "compute a region of the optimized graph in bands of rows (axis 2), columns (axis 3) or "
      "images (axis 0): OUTPUT=INPUT[,INPUT...]:AXIS:BANDS[:keep], by the names of values "
      "(repeatable)");
  app.add_option("--cost-model", flags.cost_model,
                 "times of kernels, by memopt-bench --calibrate (default: built in)")
      ->type_name(kInputFile);
  app.add_option("--planner", flags.planner, "placement algorithm (default: the portfolio)");
  declare_account_flags(app, flags.account);
  app.add_option("--search-limit", flags.search_limit,
                 "work that placement may spend, in units of about 2 microseconds; then the best "
                 "so far is taken")
      ->check(integer_between(0, kMostWork));
  app.add_option(
         "--time-limit", flags.time_limit,
         "seconds of compiling after which the searches are cancelled, as by SIGINT, SIGTERM "
         "or SIGHUP: the best plan so far is written, exit 5 unless it was proved or keeps "
         "--memory-budget; not reproducible, unlike --search-limit (default: none)")
      ->check(number_between(0, kMostSeconds));
  app.add_option("--seed", flags.seed, "seed of the randomised searches")
      ->check(integer_between(0, kMostSeed));
}

std::string model_label(const CompileFlags& flags) {
  return flags.model == "-" ? "standard input" : flags.model;
}

std::string model_name(const CompileFlags& flags) {
  return flags.model == "-" ? "" : std::filesystem::path(flags.model).stem().string();
}

void declare_account_flags(CLI::App& app, AccountFlags& flags) {
  app.add_option("--memory-limit", flags.memory_limit,
                 "bytes that a compile may take at the wish of the model, e.g. 2GiB; exit 3 where "
                 "it wants more (default: 1GiB and 4 times the model's files)")
      ->type_name("SIZE");
  app.add_option("--work-limit", flags.work_limit,
                 "elementary operations that reading and folding may take at the wish of the "
                 "model, a thousand million of which are some seconds; exit 3 where it wants more "
                 "(default: 1073741824 and 64 for each byte of the model's files)")
      ->check(integer_between(0, kMostWork));
}

Result<std::shared_ptr<Account>> make_account(const AccountFlags& flags) {
  if (flags.memory_limit.empty()) {
    return std::make_shared<Account>(std::nullopt, flags.work_limit);
  }
  MEMOPT_ASSIGN_OR_RETURN(const int64_t bytes,
                          parse_size_flag("--memory-limit", flags.memory_limit));
  return std::make_shared<Account>(bytes, flags.work_limit);
}

Result<ImportOptions> import_options(const CompileFlags& flags, std::shared_ptr<Account> account) {
  ImportOptions options;
  options.account = std::move(account);
  options.external_data_root = flags.external_data_root;
  if (std::error_code error; !flags.external_data_root.empty() &&
                             !std::filesystem::is_directory(flags.external_data_root, error)) {
    return usage("--external-data-root: '" + flags.external_data_root + "' is no folder");
  }
  options.allow_hardlinks = flags.allow_hardlinks;
  const auto malformed = [](const char* flag, const std::string& text) {
    return usage(std::string(flag) + ": needed NAME=VALUE, found '" + text + "'");
  };
  for (const std::string& text : flags.shapes) {
    const auto assignment = split_assignment(text);
    if (!assignment) return malformed("--shape", text);
    const auto shape = parse_shape(assignment->second);
    if (!shape.ok()) return in_context("--shape " + assignment->first, shape.error());
    options.shapes[assignment->first] = *shape;
  }
  for (const std::string& text : flags.dims) {
    const auto assignment = split_assignment(text);
    if (!assignment) return malformed("--dim", text);
    const auto extent = parse_extent(assignment->second);
    if (!extent.ok()) return in_context("--dim " + assignment->first, extent.error());
    options.dims[assignment->first] = *extent;
  }
  for (const std::string& text : flags.bindings) {
    const auto assignment = split_assignment(text);
    if (!assignment) return malformed("--bind", text);
    MEMOPT_ASSIGN_OR_RETURN(options.bindings[assignment->first], parse_binding(assignment->second));
  }
  MEMOPT_ASSIGN_OR_RETURN(options.states, parse_states(flags));
  if (!flags.shapes_from.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(options.examples, read_example_shapes(flags.shapes_from));
  }
  return options;
}

Result<ImportedModel> import_model(const CompileFlags& flags, CompileOptions& options,
                                   std::ostream& err) {
  MEMOPT_ASSIGN_OR_RETURN(ImportedModel imported, read_model(flags, options.passes.pass.account));
  std::string assumed;
  for (const ShapeFlag& flag : imported.assumed) {
    options.recorded.push_back(flag.flag + '=' + flag.value);
    assumed += ' ' + to_string(flag);
  }
  constexpr size_t kMostColumns = 1000;  // of names that the model gives
  for (const std::string& note : imported.notes) {
    err << "memopt: " << printable(note, kMostColumns) << '\n';
  }
  if (!assumed.empty()) {
    err << "memopt: the model leaves its batch open; taken is" << printable(assumed, kMostColumns)
        << '\n';
  }
  return imported;
}

Result<CompileOptions> compile_options(const CompileFlags& flags) {
  CompileOptions options;
  MEMOPT_ASSIGN_OR_RETURN(options.passes.pass.account, make_account(flags.account));
  MEMOPT_ASSIGN_OR_RETURN(const Target target, target_of(flags.target));
  MEMOPT_RETURN_IF_ERROR(check_kernels(flags.disabled_kernels));
  MEMOPT_RETURN_IF_ERROR(check_planner(flags.planner));
  options.kernels = {.target = target,
                     .reference_only = flags.reference_kernels,
                     .disabled_kernels = flags.disabled_kernels};
  options.buffers.io_in_arena = flags.io == "arena";
  options.buffers.planner.planner = flags.planner;
  options.buffers.planner.work_limit = flags.search_limit;
  options.buffers.planner.seed = flags.seed;
  options.buffers.planner.threads = static_cast<int>(std::thread::hardware_concurrency());
  for (const std::string& name : flags.disabled) {
    if (!disable(options, name)) {
      return unknown_name("--disable", name, known_switches());
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
  for (const std::string& text : flags.dims) options.recorded.push_back("dim=" + text);
  for (const std::string& text : flags.shapes) options.recorded.push_back("shape=" + text);
  for (const std::string& text : flags.states) options.recorded.push_back("state=" + text);
  return options;
}

Result<std::unique_ptr<CompiledModel>> compile_labelled(const CompileFlags& flags, Graph graph,
                                                        const CompileOptions& options) {
  auto compiled = compile_graph(std::move(graph), options);
  if (!compiled.ok()) return in_context(model_label(flags), compiled.error());
  return compiled;
}

}  // namespace memopt
