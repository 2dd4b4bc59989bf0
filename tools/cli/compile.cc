#include "tools/cli/compile.h"

#include <unistd.h>

#include <iostream>

#include "compiler/onnx/export.h"
#include "passes/emit/plan_metadata.h"
#include "passes/emit/report.h"
#include "passes/emit/report_html.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_text.h"
#include "runtime/base/file.h"
#include "runtime/base/size_text.h"
#include "tools/certificate/find.h"
#include "tools/cli/budget.h"
#include "tools/cli/cancellation.h"
#include "tools/cli/certificate_text.h"
#include "tools/cli/compile_flags.h"
#include "tools/cli/dump.h"
#include "tools/cli/progress.h"

namespace memopt {
namespace {

struct Flags : CompileFlags {
  std::string output;
  std::string memory_budget;
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
  app.add_option("-o,--output", flags.output, "plan file to write (none: plan and report only)");
  app.add_option("--memory-budget", flags.memory_budget,
                 "arena bytes allowed, e.g. 8MiB, or min: rewrites lower the peak where the plan "
                 "needs more; exit 4 where that is proved impossible, 5 where it is not reached");
  app.add_option("--pareto", flags.pareto,
                 "write the curve of arena against predicted time, as JSON or (.html) as a page");
  app.add_option("--emit-onnx", flags.emit_onnx, "also write the optimized model as ONNX");
  app.add_option("--html", flags.html, "also write the report as one HTML file");
  app.add_option("--certificate", flags.certificate,
                 "also write what is proved about the arena, with witnesses, as JSON for "
                 "memopt-verify --certificate; needs -o");
  app.add_option("--dump-dir", flags.dump_dir,
                 "write the graph after every pass, the problem and the plan");
  app.add_flag("--json", flags.json, "print the report as JSON");
  app.add_flag("--quiet", flags.quiet, "print no report and no progress");
}

Status write_certificate(const Flags& flags, certificate::Certificate certificate) {
  MEMOPT_ASSIGN_OR_RETURN(certificate.plan_digest, certificate::plan_digest(flags.output));
  return write_file(flags.certificate, certificate::to_json(certificate));
}

Status write_outputs(const Flags& flags, const CompiledModel& model) {
  if (!flags.emit_onnx.empty()) {
    MEMOPT_RETURN_IF_ERROR(
        export_onnx(model.optimized, {.metadata = plan_metadata(model.plan())}, flags.emit_onnx));
  }
  if (!flags.html.empty()) {
    MEMOPT_RETURN_IF_ERROR(write_file(flags.html, report_html(build_report(model.plan()))));
  }
  if (!flags.pareto.empty()) MEMOPT_RETURN_IF_ERROR(write_pareto(model, flags.pareto));
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
        << both_sizes_text(other) << ".\n";
  }
  if (!flags.json) out << budget_outcome(model);
  return {};
}

Status compile(const Flags& flags, std::ostream& out, std::ostream& err) {
  Progress progress(err, !flags.quiet && isatty(STDERR_FILENO) != 0);
  if (!flags.certificate.empty() && flags.output.empty()) {
    return Error{Code::kUsage, "--certificate is about a plan file: give its name with -o"};
  }
  MEMOPT_ASSIGN_OR_RETURN(const ImportOptions import, import_options(flags));
  MEMOPT_ASSIGN_OR_RETURN(CompileOptions options, compile_options(flags));
  std::optional<int64_t> budget;
  if (!flags.memory_budget.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(budget, parse_budget(flags.memory_budget));
    options.budget_bytes = budget;
  }
  options.explore_budget = !flags.pareto.empty();
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
  CompiledModel& model = **compiled;
  std::optional<certificate::Certificate> certificate;
  if (!flags.certificate.empty()) {
    progress.stage("certificate");
    MEMOPT_ASSIGN_OR_RETURN(certificate, certificate::find_certificate(model.plan()));
    certificate::adopt_claim(*certificate, model.emitted.plan);
  }
  if (dumper) MEMOPT_RETURN_IF_ERROR(dumper->dump_memory(model));
  if (budget) MEMOPT_RETURN_IF_ERROR(check_budget(model, *budget, model.lowered.buffers.cancelled));
  MEMOPT_RETURN_IF_ERROR(write_outputs(flags, model));
  if (certificate) MEMOPT_RETURN_IF_ERROR(write_certificate(flags, *certificate));
  if (!flags.quiet) MEMOPT_RETURN_IF_ERROR(print_report(flags, model, options, out));
  if (certificate && !flags.quiet && !flags.json) {
    out << "\nCertificate\n" << certificate_text(*certificate, model.plan());
  }
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
