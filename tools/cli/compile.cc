#include "tools/cli/compile.h"

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "compiler/onnx/export.h"
#include "passes/emit/plan_metadata.h"
#include "passes/emit/report.h"
#include "passes/emit/report_html.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_text.h"
#include "runtime/base/file.h"
#include "tools/certificate/find.h"
#include "tools/cli/budget.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/certificate_text.h"
#include "tools/cli/compile_flags.h"
#include "tools/cli/dump.h"
#include "tools/cli/files.h"
#include "tools/cli/progress.h"
#include "tools/cli/runtime_bytes.h"
#include "tools/cli/streams.h"

namespace memopt {
namespace {

struct Flags : CompileFlags {
  std::string output;
  std::string memory_budget;
  std::string budget_of = "arena";
  std::string pareto;
  std::string emit_onnx;
  std::string html;
  std::string certificate;
  std::string dump_dir;
  bool json = false;
  bool quiet = false;
};

void declare(CLI::App& app, Flags& flags) {
  declare_compile_flags(app, flags);
  app.add_option("-o,--output", flags.output,
                 "plan file to write (default: none, report only); - writes it to standard output, "
                 "and the report to standard error")
      ->type_name(kOutputFileOrStdout);
  app.add_option("--memory-budget", flags.memory_budget,
                 "arena bytes allowed, e.g. 8MiB, or min: rewrites lower the peak where the plan "
                 "needs more; exit 4 where that is proved impossible, 5 where it is not reached "
                 "(default: no budget)")
      ->type_name("SIZE");
  add_budget_of(app, flags.budget_of);
  app.get_option("--budget-of")->needs("--memory-budget");
  app.add_option("--pareto", flags.pareto,
                 "write the curve of arena against predicted time, as JSON or (.html) as a page")
      ->type_name(kOutputFile);
  app.add_option("--emit-onnx", flags.emit_onnx,
                 "also write the optimized model as ONNX; weights beyond 1.5 GiB beside it, .data")
      ->type_name(kOutputFile);
  app.add_option("--html", flags.html, "also write the report as one HTML file")
      ->type_name(kOutputFile);
  app.add_option("--certificate", flags.certificate,
                 "also write what is proved about the arena, with witnesses, as JSON for "
                 "memopt-verify --certificate; needs -o")
      ->type_name(kOutputFile);
  app.add_option("--dump-dir", flags.dump_dir,
                 "write the graph after every pass, the problem and the plan, also of a compile "
                 "that fails")
      ->type_name(kFolder);
  app.add_flag("--json", flags.json, "print the report as JSON");
  app.add_flag("--quiet", flags.quiet, "print no report and no progress");
}

// Where the plan is written: the file that the user named or, for standard output, one that is
// copied there once everything else is done.
struct PlanFile {
  std::string path;  // empty: no plan is wanted
  std::optional<TemporaryFolder> folder;
};

Result<PlanFile> plan_file(const Flags& flags) {
  if (flags.output != "-") return PlanFile{flags.output, {}};
  MEMOPT_ASSIGN_OR_RETURN(TemporaryFolder folder, TemporaryFolder::create());
  MEMOPT_ASSIGN_OR_RETURN(std::string path, folder.add("model.plan"));
  return PlanFile{std::move(path), std::move(folder)};
}

std::vector<std::string> named_outputs(const Flags& flags) {
  std::vector<std::string> outputs = {flags.output, flags.html, flags.pareto, flags.certificate,
                                      flags.emit_onnx};
  std::erase(outputs, "");
  return outputs;
}

// What only the model names: no output is its external data, and none is what --emit-onnx writes
// beside its own.
Status check_external_data(const Flags& flags, const std::vector<std::string>& external_files) {
  std::vector<std::string> outputs = named_outputs(flags);
  if (!flags.emit_onnx.empty()) {
    const std::string beside = external_data_path(flags.emit_onnx);
    for (const std::string& output : outputs) {
      if (is_same_file(output, beside)) {
        return Error{Code::kUsage, "'" + output + "' is where --emit-onnx writes large weights"};
      }
    }
    outputs.push_back(beside);
  }
  for (const std::string& output : outputs) {
    for (const std::string& input : external_files) {
      if (!is_same_file(output, input)) continue;
      return Error{Code::kUsage, "'" + output +
                                     "' is external data of the model: an input is never "
                                     "overwritten"};
    }
  }
  return {};
}

// What --dump-dir must not write over.
std::vector<std::string> dump_inputs(const Flags& flags, const ImportedModel& imported) {
  std::vector<std::string> inputs = imported.external_files;
  inputs.push_back(flags.model);
  if (!flags.cost_model.empty()) inputs.push_back(flags.cost_model);
  return inputs;
}

// No output is one of the examples that --shapes-from reads.
Status check_examples(const Flags& flags) {
  if (flags.shapes_from.empty()) return {};
  for (const std::string& output : named_outputs(flags)) {
    const std::filesystem::path path(output);
    const std::string extension = path.extension().string();
    if (extension != ".npy" && extension != ".pb") continue;
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    if (!is_same_file(folder, flags.shapes_from)) continue;
    return Error{Code::kUsage, "'" + output +
                                   "' is or looks like an example that --shapes-from reads: an "
                                   "input is never overwritten"};
  }
  return {};
}

Status write_outputs(const Flags& flags, const CompiledModel& model, const Report* report,
                     const std::string& plan_path) {
  if (!flags.emit_onnx.empty()) {
    MEMOPT_RETURN_IF_ERROR(
        export_onnx(model.optimized, {.metadata = plan_metadata(model.plan())}, flags.emit_onnx));
  }
  if (!flags.html.empty()) MEMOPT_RETURN_IF_ERROR(write_file(flags.html, report_html(*report)));
  if (!flags.pareto.empty()) {
    MEMOPT_RETURN_IF_ERROR(write_pareto(model, model_name(flags), flags.pareto));
  }
  if (!plan_path.empty()) MEMOPT_RETURN_IF_ERROR(write_compiled(model, plan_path));
  return {};
}

Status write_certificate(const Flags& flags, certificate::Certificate certificate,
                         const std::string& plan_path) {
  MEMOPT_ASSIGN_OR_RETURN(certificate.plan_digest, certificate::plan_digest(plan_path));
  return write_file(flags.certificate, certificate::to_json(certificate));
}

// With the arena of the other placement of inputs and outputs, unless that second search, as long
// as the first, is stopped too.
Result<Report> report_of(const Flags& flags, const CompiledModel& model,
                         const CompileOptions& options, const PredictedRuntime& runtime) {
  ReportOptions report;
  report.model = model_name(flags);
  report.runtime_bytes = runtime.bytes;
  report.runtime_is_estimate = runtime.is_estimate;
  MEMOPT_ASSIGN_OR_RETURN(report.arena_other_io_bytes,
                          arena_bytes_with_io(model, options, flags.io == "caller"));
  return build_report(model.plan(), report);
}

void print_report(const Flags& flags, const CompiledModel& model, const Report& report,
                  std::ostream& out) {
  if (flags.json) {
    out << report_json(report, /*details=*/false) << '\n';
  } else {
    out << summary_text(report) << budget_outcome(model);
  }
}

Status compile(const Flags& flags, std::ostream& out, std::ostream& err,
               const AllocationCounter* counter) {
  Progress progress(err, !flags.quiet && isatty(STDERR_FILENO) != 0);
  if (!flags.certificate.empty() && flags.output.empty()) {
    return Error{Code::kUsage, "--certificate is about a plan file: give its name with -o"};
  }
  MEMOPT_ASSIGN_OR_RETURN(CompileOptions options, compile_options(flags));
  std::optional<MemoryBudget> budget;
  if (!flags.memory_budget.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(budget, parse_budget(flags.memory_budget));
    options.budget_bytes = budget->bytes;
    options.beside_arena = beside_arena(flags.budget_of, counter);
    if (options.beside_arena) options.recorded.push_back("budget_of=process");
  }
  options.explore_budget = !flags.pareto.empty();
  MEMOPT_ASSIGN_OR_RETURN(ImportedModel imported, import_model(flags, options, err));
  MEMOPT_RETURN_IF_ERROR(check_external_data(flags, imported.external_files));
  MEMOPT_RETURN_IF_ERROR(check_examples(flags));
  std::optional<GraphDumper> dumper;
  if (!flags.dump_dir.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(dumper,
                            GraphDumper::create(flags.dump_dir, dump_inputs(flags, imported)));
    MEMOPT_RETURN_IF_ERROR(dumper->dump_graph("import", imported.graph));
    options.passes.observer = [&dumper](const PassEvent& event) { dumper->observe(event); };
    options.budget.trace = [&dumper](std::string_view line) { dumper->trace_budget(line); };
  }
  options.progress = [&progress](std::string_view stage) { progress.stage(stage); };
  // Of everything that searches, the report too.
  const Cancellation cancellation(flags.time_limit);
  options.buffers.planner.stop = cancellation.token();
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<CompiledModel> compiled,
                          compile_labelled(flags, std::move(imported.graph), options));
  CompiledModel& model = *compiled;
  std::optional<certificate::Certificate> certificate;
  if (!flags.certificate.empty()) {
    progress.stage("certificate");
    certificate::FindLimits limits;
    limits.stopped = [token = cancellation.token()] { return token.stopped(); };
    MEMOPT_ASSIGN_OR_RETURN(certificate, certificate::find_certificate(model.plan(), limits));
    certificate::adopt_claim(*certificate, model.emitted.plan);
  }
  if (dumper) MEMOPT_RETURN_IF_ERROR(dumper->dump_memory(model));
  if (budget) {
    if (Status kept = check_budget(model, flags.memory_budget); !kept.ok()) {
      err << peak_text(model.plan());
      return kept;
    }
  }
  std::optional<Report> report;
  PredictedRuntime runtime;
  if (!flags.quiet || !flags.html.empty()) {
    progress.stage("report");
    MEMOPT_ASSIGN_OR_RETURN(runtime, predict_runtime(model.plan(), counter));
    MEMOPT_ASSIGN_OR_RETURN(report, report_of(flags, model, options, runtime));
  }
  MEMOPT_ASSIGN_OR_RETURN(const PlanFile plan, plan_file(flags));
  MEMOPT_RETURN_IF_ERROR(write_outputs(flags, model, report ? &*report : nullptr, plan.path));
  if (certificate) MEMOPT_RETURN_IF_ERROR(write_certificate(flags, *certificate, plan.path));
  std::ostream& text = plan.folder ? err : out;
  if (!flags.quiet) print_report(flags, model, *report, text);
  if (!flags.quiet && !flags.json) {
    MEMOPT_ASSIGN_OR_RETURN(const std::string rise, rise_text(model, runtime, counter));
    text << rise;
  }
  if (certificate && !flags.quiet && !flags.json) {
    text << "\nCertificate\n" << certificate_text(*certificate, model.plan());
  }
  if (plan.folder) MEMOPT_RETURN_IF_ERROR(copy_to_stream(plan.path, out));
  const bool keeps_budget = budget && !budget->is_min;
  if (!model.cancelled || keeps_budget) return {};
  return Error{Code::kBudgetNotReached,
               "the search was cancelled; this is the best plan that it had found"};
}

}  // namespace

int run_compile(const Arguments& arguments, std::ostream& out, std::ostream& err,
                const AllocationCounter* counter) {
  Flags flags;
  const auto app = make_app(
      "compile", "Compiles an ONNX model into a plan that runs in one arena of known size.");
  declare(*app, flags);
  if (const auto status = parse_arguments(*app, arguments, out, err)) return *status;
  if (flags.output == "/dev/stdout") flags.output = "-";  // where nobody can seek
  if (Status status = compile(flags, out, err, counter); !status.ok())
    return report_error(*app, status.error(), err);
  return 0;
}

}  // namespace memopt
