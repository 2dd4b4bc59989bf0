#include "tools/cli/inspect.h"

#include <algorithm>
#include <filesystem>

#include "passes/emit/report.h"
#include "passes/emit/report_diff.h"
#include "passes/emit/report_dot.h"
#include "passes/emit/report_html.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_lock.h"
#include "passes/emit/report_map.h"
#include "passes/emit/report_picture.h"
#include "passes/emit/report_text.h"
#include "runtime/base/file.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/files.h"
#include "tools/cli/fits.h"
#include "tools/cli/plan_input.h"
#include "tools/cli/runtime_bytes.h"
#include "tools/cli/streams.h"

namespace memopt {
namespace {

constexpr const char* kFooter =
    "A plan can also come first: memopt-inspect model.plan map\n"
    "Exit status: 0 done, 2 usage, 3 bad model, plan or lock file, or a lock of another model or\n"
    "target, 4 budget proved impossible, 5 budget not reached, 6 unsafe plan, 8 memory grew, 9 "
    "disk.\n"
    "Examples:\n"
    "  memopt-inspect model.plan\n"
    "  memopt-inspect explain model.plan --html report.html\n"
    "  memopt-inspect lock model.plan -o memory.lock && memopt-inspect check model.plan "
    "memory.lock\n"
    "  memopt-inspect check model.onnx memory.lock --dim batch=1\n"
    "  memopt-inspect fits --budget 8MiB model.onnx";

struct Options {
  std::string plan;
  std::string other;  // diff: the second plan; check: the lock file
  std::string output = "-";
  std::string html;
  std::string svg;
  bool json = false;
  bool dot = false;
  bool fail_on_growth = false;
  CompileFlags compile;  // check
  bool any_network = false;
  MapOptions map;
  const AllocationCounter* counter = nullptr;
};

// With a counter also what loading takes, as far as the plan's kernels can be made here.
Result<Report> report_of(const std::string& path, const AllocationCounter* counter = nullptr) {
  MEMOPT_ASSIGN_OR_RETURN(const PlanInput input, PlanInput::open(path));
  MEMOPT_ASSIGN_OR_RETURN(const auto loaded, input.load());
  ReportOptions options;
  options.from_file = true;
  if (!input.is_stream()) options.model = std::filesystem::path(path).stem().string();
  if (counter != nullptr) {
    if (const auto runtime = predict_runtime(loaded->plan(), counter); runtime.ok()) {
      options.runtime_bytes = runtime->bytes;
      options.runtime_is_estimate = runtime->is_estimate;
    }
  }
  return build_report(loaded->plan(), options);
}

Status write_result(const Options& options, const std::string& text, std::ostream& out) {
  if (options.output != "-") return write_file(options.output, text);
  out << text;
  return {};
}

// The views of one plan: a function from its report to text.
using View = std::string (*)(const Report&, const Options&);

Status show(const Options& options, View view, bool details, std::ostream& out) {
  MEMOPT_ASSIGN_OR_RETURN(const Report report, report_of(options.plan, options.counter));
  if (!options.html.empty()) {
    MEMOPT_RETURN_IF_ERROR(write_file(options.html, report_html(report)));
  }
  if (!options.svg.empty()) {
    MEMOPT_RETURN_IF_ERROR(write_file(options.svg, picture_svg(report)));
  }
  const std::string text = options.json  ? report_json(report, details) + '\n'
                           : options.dot ? report_dot(report)
                                         : view(report, options);
  return write_result(options, text, out);
}

Status diff(const Options& options, std::ostream& out, std::ostream& /*err*/) {
  MEMOPT_ASSIGN_OR_RETURN(const Report before, report_of(options.plan));
  MEMOPT_ASSIGN_OR_RETURN(const Report after, report_of(options.other));
  MEMOPT_RETURN_IF_ERROR(write_result(
      options, options.json ? diff_json(before, after) : diff_text(before, after), out));
  if (!options.fail_on_growth) return {};
  return check_growth(compare_figures(before, after), after);
}

Status lock(const Options& options, std::ostream& out, std::ostream& /*err*/) {
  MEMOPT_ASSIGN_OR_RETURN(const Report report, report_of(options.plan));
  const Result<std::string> text = lock_text(report);
  if (!text.ok()) return in_context(options.plan, text.error());
  return write_result(options, *text, out);
}

struct Checked {
  Report report;
  bool cancelled = false;  // a longer search might have found less
};

// Of a plan, or of a model compiled for the target of the lock.
Result<Checked> report_to_check(const CompileFlags& flags, const MemoryLock& lock,
                                std::ostream& err) {
  if (flags.model == "-" || is_plan_file(flags.model)) {
    MEMOPT_ASSIGN_OR_RETURN(Report report, report_of(flags.model));
    return Checked{.report = std::move(report)};
  }
  CompileFlags compile = flags;
  if (compile.target.empty()) compile.target = lock.target;
  MEMOPT_ASSIGN_OR_RETURN(CompileOptions options, compile_options(compile));
  MEMOPT_ASSIGN_OR_RETURN(ImportedModel imported, import_model(compile, options, err));
  const Cancellation cancellation(compile.time_limit);
  options.buffers.planner.stop = cancellation.token();
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<CompiledModel> compiled,
                          compile_labelled(compile, std::move(imported.graph), options));
  ReportOptions report;
  report.model = model_name(compile);
  return Checked{.report = build_report(compiled->plan(), report),
                 .cancelled = compiled->cancelled};
}

Status check(const Options& options, std::ostream& out, std::ostream& err) {
  constexpr int64_t kLargestLock = 1 << 20;
  MEMOPT_ASSIGN_OR_RETURN(const std::string text, read_text_input(options.other, kLargestLock));
  const Result<MemoryLock> lock = parse_lock(text);
  if (!lock.ok()) return in_context(options.other, lock.error());
  MEMOPT_ASSIGN_OR_RETURN(const Checked checked, report_to_check(options.compile, *lock, err));
  const Report& report = checked.report;
  const auto figures = compare_with_lock(*lock, report, options.any_network);
  if (!figures.ok()) return in_context(options.other, figures.error());
  if (const Status growth = check_growth(*figures, report); !growth.ok()) {
    if (!checked.cancelled) return in_context(options.compile.model, growth.error());
    return Error{Code::kBudgetNotReached,
                 options.compile.model +
                     ": the search was cancelled before it found a plan as small as the lock"};
  }
  const bool shrank = std::any_of(figures->begin(), figures->end(),
                                  [](const FigureChange& f) { return f.after < f.before; });
  return write_result(
      options,
      shrank ? "ok: smaller than the lock; run lock again to keep it so\n" : "ok: as locked\n",
      out);
}

struct ViewCommand {
  const char* name;
  const char* summary;
  View view;
  bool details;  // the JSON has all tensors and steps
};

constexpr ViewCommand kViews[] = {
    {"summary", "Classes of bytes, bound, peak, what to try next (the default)",
     [](const Report& report, const Options&) { return summary_text(report); }, false},
    {"tensors", "One line per tensor: type, storage, bytes, offset, life, alias",
     [](const Report& report, const Options&) { return tensors_text(report); }, true},
    {"ops", "One line per step: operator, kernel, live bytes, scratch",
     [](const Report& report, const Options&) { return steps_text(report); }, true},
    {"map", "A picture of the arena: steps from left to right, addresses upwards",
     [](const Report& report, const Options& options) { return map_text(report, options.map); },
     true},
    {"explain", "In words: why the peak is what it is, and what each byte of it is",
     [](const Report& report, const Options&) { return explain_text(report); }, false},
};

void add_output_option(CLI::App& app, Options& options) {
  app.add_option("-o,--output", options.output, "Where the result goes; - is standard output")
      ->type_name(kOutputFileOrStdout);
}

void add_view_options(CLI::App& app, Options& options) {
  app.add_option("plan", options.plan, "Plan file; - reads standard input")
      ->type_name(kInputFileOrStdin);
  app.add_flag("--json", options.json, "JSON, schema memopt.report/1, integer bytes");
  app.add_flag("--dot", options.dot, "Graphviz: steps and the tensors between them");
  app.add_option("--html", options.html, "Also write the interactive report to this file")
      ->type_name(kOutputFile);
  app.add_option("--svg", options.svg, "Also write a picture, before and after, to this file")
      ->type_name(kOutputFile);
  add_output_option(app, options);
}

}  // namespace

int run_inspect(const Arguments& arguments, std::ostream& out, std::ostream& err,
                const AllocationCounter* counter) {
  const auto owned = make_app("inspect", "Shows what a memopt plan needs, why, and what changed.");
  CLI::App& app = *owned;
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  Options options;
  options.counter = counter;
  View view = kViews[0].view;
  bool details = false;
  Status (*action)(const Options&, std::ostream& out, std::ostream& err) = nullptr;
  add_view_options(app, options);
  for (const ViewCommand& command : kViews) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    add_view_options(*sub, options);
    if (command.name == std::string_view("map")) {
      sub->add_option("--columns", options.map.columns, "Width of the picture in characters")
          ->check(CLI::Range(8, 1000));
      sub->add_option("--rows", options.map.rows, "Height of the picture in lines")
          ->check(CLI::Range(4, 1000));
      sub->add_flag("--ascii", options.map.ascii, "Only ASCII characters");
    }
    sub->callback([&] {
      view = command.view;
      details = command.details;
    });
  }
  CLI::App* differ = app.add_subcommand("diff", "What changed from one plan to another");
  differ->add_option("before", options.plan, "Plan file; - reads standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  differ->add_option("after", options.other, "Plan file; - reads standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  differ->add_flag("--json", options.json, "JSON, schema memopt.diff/1");
  differ->add_flag("--fail-on-growth", options.fail_on_growth,
                   "Exit with 8 if arena, constants, inputs and outputs, or state grew");
  add_output_option(*differ, options);
  differ->callback([&] { action = diff; });
  CLI::App* locker = app.add_subcommand("lock", "Write down what a plan needs, for check");
  locker->add_option("plan", options.plan, "Plan file; - reads standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  add_output_option(*locker, options);
  locker->callback([&] { action = lock; });
  CLI::App* checker = app.add_subcommand(
      "check",
      "Fail (exit 8) if a plan needs more than locked. Instead of the plan also the ONNX model, "
      "which is then compiled, for the target of the lock unless --target says another");
  declare_compile_flags(*checker, options.compile);
  checker->add_option("lock", options.other, "Lock file, made by lock; - reads standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  checker->add_flag("--any-network", options.any_network,
                    "Compare although the model's operators or shapes are not those of the lock");
  checker->callback([&] { action = check; });

  FitsFlags fits;
  const CLI::App* const fitter = add_fits(app, fits);

  if (const auto status = parse_arguments(app, arguments, out, err)) return *status;
  if (fitter->parsed()) {
    const Result<int> answer = answer_fits(fits, out, err, counter);
    return answer.ok() ? *answer : report_error(app, answer.error(), err);
  }
  if (options.plan.empty() && action != check) {
    return report_error(app, {Code::kUsage, "which plan? (memopt-inspect model.plan)"}, err);
  }
  if (options.json && options.dot) {
    return report_error(app, {Code::kUsage, "--json or --dot, not both"}, err);
  }
  const Status status =
      action != nullptr ? action(options, out, err) : show(options, view, details, out);
  return status.ok() ? 0 : report_error(app, status.error(), err);
}

}  // namespace memopt
