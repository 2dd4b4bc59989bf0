#include "tools/cli/compile.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "compiler/onnx/export.h"
#include "compiler/onnx/import.h"
#include "passes/compile.h"
#include "passes/emit/plan_metadata.h"
#include "passes/emit/report.h"
#include "passes/emit/report_html.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_text.h"
#include "passes/transform/tile.h"
#include "runtime/base/file.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/dump.h"
#include "tools/cli/sizes.h"
#include "tools/cli/tensor_argument.h"

namespace memopt {
namespace {

// Everything the command line says, as text.
struct Flags {
  std::string model;
  std::string output;
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
  std::string planner;
  int64_t work_limit = PlannerOptions{}.work_limit;
  uint64_t seed = PlannerOptions{}.seed;
  std::optional<double> time_limit;
  std::string memory_budget;
  std::string emit_onnx;
  std::string html;
  std::string dump_dir;
  bool json = false;
  bool quiet = false;
};

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

std::string known_switches() {
  std::string names;
  for (const Technique& technique : kTechniques) names += std::string(technique.name) + ' ';
  for (const Pass& pass : all_passes()) names += std::string(pass.name) + ' ';
  return names;
}

void declare(CLI::App& app, Flags& flags) {
  app.add_option("model", flags.model, "ONNX model file")->required();
  app.add_option("-o,--output", flags.output, "plan file to write (none: plan and report only)");
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
      "(axis 0): OUTPUT=INPUT[,INPUT...]:AXIS:BANDS, by the names of values (repeatable)");
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
  app.add_option("--memory-budget", flags.memory_budget,
                 "arena bytes allowed, e.g. 8MiB; exit 4 or 5 where the plan needs more");
  app.add_option("--emit-onnx", flags.emit_onnx, "also write the optimized model as ONNX");
  app.add_option("--html", flags.html, "also write the report as one HTML file");
  app.add_option("--dump-dir", flags.dump_dir,
                 "write the graph after every pass, the problem and the plan");
  app.add_flag("--json", flags.json, "print the report as JSON");
  app.add_flag("--quiet", flags.quiet, "print no report and no progress");
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

Result<ImportOptions> import_options(const Flags& flags) {
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

Result<CompileOptions> compile_options(const Flags& flags) {
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
  for (const std::string& name : flags.disabled) {
    const auto technique = std::find_if(std::begin(kTechniques), std::end(kTechniques),
                                        [&](const Technique& t) { return t.name == name; });
    if (technique != std::end(kTechniques)) {
      options.buffers.*(technique->member) = false;
    } else if (find_pass(name)) {
      options.passes.disabled.push_back(name);
    } else {
      return usage("--disable: unknown '" + name + "'; known: " + known_switches());
    }
    options.recorded.push_back("disable=" + name);
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

// Says on a terminal what is going on once it takes long.
class Progress {
 public:
  Progress(std::ostream& err, bool quiet)
      : err_(err), active_(!quiet && isatty(STDERR_FILENO) != 0) {}
  ~Progress() { clear(); }
  void stage(std::string_view name) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
    constexpr double kQuietSeconds = 2;
    if (!active_ || elapsed.count() < kQuietSeconds) return;
    clear();
    err_ << "[" << static_cast<int>(elapsed.count()) << " s] " << name << "..." << std::flush;
    shown_ = true;
  }

 private:
  void clear() {
    if (shown_) err_ << "\r\033[K" << std::flush;
    shown_ = false;
  }
  std::ostream& err_;
  bool active_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// Whether the plan keeps the budget; if not, the answer is a proof or says what was reached.
Status check_budget(const Plan& plan, int64_t budget, bool cancelled) {
  if (plan.arena_bytes <= budget) return {};
  const int64_t missing = plan.arena_bytes - budget;
  std::string message = "memory budget " + format_size(budget) + ": the smallest arena found is " +
                        format_size(plan.arena_bytes) + ", " + format_size(missing) + " more";
  const bool proved =
      plan.certificate.kind == BoundKind::kAllOrders && plan.certificate.lower_bound_bytes > budget;
  if (proved) {
    return Error{Code::kBudgetImpossible,
                 message + "; no order and placement of these operators needs less than " +
                     format_size(plan.certificate.lower_bound_bytes) +
                     ". Try a smaller input (--shape) or --io=caller"};
  }
  if (cancelled) {
    return Error{Code::kBudgetNotReached, message + "; the search was cancelled"};
  }
  return Error{Code::kBudgetNotReached, message +
                                            "; not proved impossible. Try --io=caller, a larger "
                                            "--work-limit or a smaller input (--shape)"};
}

Status write_outputs(const Flags& flags, const CompiledModel& model) {
  if (!flags.emit_onnx.empty()) {
    MEMOPT_RETURN_IF_ERROR(
        export_onnx(model.optimized, {.metadata = plan_metadata(model.plan())}, flags.emit_onnx));
  }
  if (!flags.html.empty()) {
    MEMOPT_RETURN_IF_ERROR(write_file(flags.html, report_html(build_report(model.plan()))));
  }
  if (!flags.output.empty()) MEMOPT_RETURN_IF_ERROR(write_compiled(model, flags.output));
  return {};
}

Status print_report(const Flags& flags, const CompiledModel& model, const CompileOptions& options,
                    std::ostream& out) {
  const Report report = build_report(model.plan());
  out << (flags.json ? report_json(report, /*details=*/false) + "\n" : summary_text(report));
  if (!flags.json && !model.lowered.buffers.cancelled) {  // a second search, as long as the first
    MEMOPT_ASSIGN_OR_RETURN(const int64_t other,
                            arena_bytes_with_io(model, options, flags.io == "caller"));
    out << "\nWith --io=" << (flags.io == "caller" ? "arena" : "caller") << " the arena would be "
        << format_size(other) << ".\n";
  }
  return {};
}

Status compile(const Flags& flags, std::ostream& out, std::ostream& err) {
  Progress progress(err, flags.quiet);
  MEMOPT_ASSIGN_OR_RETURN(const ImportOptions import, import_options(flags));
  MEMOPT_ASSIGN_OR_RETURN(CompileOptions options, compile_options(flags));
  std::optional<int64_t> budget;
  if (!flags.memory_budget.empty()) {
    budget = parse_size(flags.memory_budget);
    if (!budget) return usage("--memory-budget: malformed size '" + flags.memory_budget + "'");
  }
  MEMOPT_ASSIGN_OR_RETURN(ImportedModel imported, import_onnx(flags.model, import));
  std::optional<GraphDumper> dumper;
  if (!flags.dump_dir.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(dumper, GraphDumper::create(flags.dump_dir));
    MEMOPT_RETURN_IF_ERROR(dumper->dump_graph("import", imported.graph));
    options.passes.observer = [&dumper](const PassEvent& event) { dumper->observe(event); };
  }
  options.progress = [&progress](std::string_view stage) { progress.stage(stage); };
  const auto compiled = [&] {
    const Cancellation cancellation(flags.time_limit);
    options.buffers.planner.stop = cancellation.token();
    return compile_graph(std::move(imported.graph), options);
  }();
  options.buffers.planner.stop = {};
  if (!compiled.ok()) return in_context(flags.model, compiled.error());
  const CompiledModel& model = **compiled;
  if (dumper) MEMOPT_RETURN_IF_ERROR(dumper->dump_memory(model));
  if (budget)
    MEMOPT_RETURN_IF_ERROR(check_budget(model.plan(), *budget, model.lowered.buffers.cancelled));
  MEMOPT_RETURN_IF_ERROR(write_outputs(flags, model));
  if (!flags.quiet) MEMOPT_RETURN_IF_ERROR(print_report(flags, model, options, out));
  if (!model.lowered.buffers.cancelled || budget) return {};
  return Error{Code::kBudgetNotReached,
               "the search was cancelled; this is the best plan that it had found"};
}

}  // namespace

int run_compile(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  Flags flags;
  const auto app = make_app(
      "compile", "Compiles an ONNX model into a plan that runs in one arena of known size.");
  declare(*app, flags);
  if (const auto status = parse_arguments(*app, arguments, out, err)) return *status;
  if (Status status = compile(flags, out, err); !status.ok())
    return report_error(*app, status.error(), err);
  return 0;
}

}  // namespace memopt
