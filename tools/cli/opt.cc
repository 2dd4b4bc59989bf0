#include "tools/cli/opt.h"

#include <iostream>

#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "passes/pass.h"
#include "passes/pipeline.h"
#include "passes/transform/tile.h"
#include "runtime/base/file.h"
#include "tools/cli/compile_flags.h"
#include "tools/cli/files.h"
#include "tools/cli/names.h"
#include "tools/cli/streams.h"

namespace memopt {
namespace {

constexpr int64_t kMaxTextBytes = int64_t{1} << 30;

struct Flags {
  std::string input = "-";
  std::string output = "-";
  std::vector<std::string> passes;
  std::vector<std::string> tiles;
  bool pipeline = false;
  bool print_after_change = false;
  bool time = false;
  bool list = false;
  bool elide = false;
  int64_t stop_after = -1;
  AccountFlags account;
};

std::vector<std::string_view> pass_names() {
  std::vector<std::string_view> names;
  for (const Pass& pass : all_passes()) names.push_back(pass.name);
  return names;
}

Result<std::vector<const Pass*>> chosen_passes(const Flags& flags) {
  std::vector<const Pass*> passes;
  if (flags.pipeline) {
    passes = optimization_pipeline();
    for (const Pass* pass : layout_pipeline()) passes.push_back(pass);
  }
  for (const std::string& name : flags.passes) {
    const Pass* pass = find_pass(name);
    if (!pass) return unknown_name("--passes", name, pass_names());
    passes.push_back(pass);
  }
  if (flags.stop_after >= 0 && static_cast<size_t>(flags.stop_after) < passes.size()) {
    passes.resize(static_cast<size_t>(flags.stop_after));
  }
  return passes;
}

Status optimize(const Flags& flags, std::ostream& out, std::ostream& err) {
  MEMOPT_ASSIGN_OR_RETURN(const std::string text, read_text_input(flags.input, kMaxTextBytes));
  RunPassesOptions options;
  MEMOPT_ASSIGN_OR_RETURN(options.pass.account, make_account(flags.account));
  auto parsed = parse_graph(text, options.pass.account);
  if (!parsed.ok()) return in_context(flags.input, parsed.error());
  Graph graph = *std::move(parsed);
  if (Status status = verify_graph(graph); !status.ok()) {
    return bad_input(flags.input + ": " + status.error().message);
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<const Pass*> passes, chosen_passes(flags));
  for (const std::string& tiling : flags.tiles) {
    MEMOPT_ASSIGN_OR_RETURN(TileRequest request, parse_tile(tiling));
    options.pass.tiles.push_back(std::move(request));
  }
  options.observer = [&](const PassEvent& event) {
    if (flags.time) {
      err << event.pass << ": " << event.seconds << " s" << (event.changed ? "" : " (unchanged)")
          << '\n';
    }
    if (flags.print_after_change && event.changed) {
      err << "// after " << event.pass << '\n' << print_graph(*event.graph, {flags.elide});
    }
  };
  MEMOPT_RETURN_IF_ERROR(run_passes(graph, passes, options));
  const std::string result = print_graph(graph, {flags.elide});
  if (flags.output != "-") return write_file(flags.output, result);
  out << result;
  return {};
}

}  // namespace

int run_opt(const Arguments& arguments, std::ostream& out, std::ostream& err) {
  Flags flags;
  const auto app = make_app("opt", "Runs passes on a graph in text form (.ir).");
  app->add_option("input", flags.input, "graph to read; - is standard input")
      ->type_name(kInputFileOrStdin);
  app->add_option("-o,--output", flags.output, "where the result goes; - is standard output")
      ->type_name(kOutputFileOrStdout);
  app->add_option("--passes", flags.passes, "passes to run, in this order")->delimiter(',');
  app->add_option(
      "--tile", flags.tiles,
      "what the pass tile computes in bands: OUTPUT=INPUT[,INPUT...]:AXIS:BANDS[:keep], by the "
      "names of values (repeatable)");
  app->add_flag("--pipeline", flags.pipeline, "run the default pipeline first");
  app->add_option("--stop-after", flags.stop_after,
                  "run only the first N passes (default: -1, all)")
      ->check(integer_between(-1, 1000000));
  app->add_flag("--print-after-change", flags.print_after_change,
                "print the graph after each pass that changed it");
  app->add_flag("--time", flags.time, "print the seconds that each pass takes");
  app->add_flag("--elide", flags.elide, "leave large constants out of what is printed");
  declare_account_flags(*app, flags.account);
  app->add_flag("--list", flags.list, "list the passes");
  if (const auto status = parse_arguments(*app, arguments, out, err)) return *status;
  if (flags.list) {
    for (const Pass& pass : all_passes()) out << pass.name << ": " << pass.summary << '\n';
    return 0;
  }
  if (Status status = optimize(flags, out, err); !status.ok())
    return report_error(*app, status.error(), err);
  return 0;
}

}  // namespace memopt
