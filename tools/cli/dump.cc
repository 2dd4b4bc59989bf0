#include "tools/cli/dump.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "compiler/ir/text.h"
#include "passes/planning/csv.h"
#include "runtime/base/file.h"
#include "tools/cli/files.h"

namespace memopt {

Result<GraphDumper> GraphDumper::create(const std::string& folder,
                                        std::vector<std::string> inputs) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return Error{Code::kOutOfResource,
                 "cannot make the folder '" + folder + "': " + error.message()};
  }
  return GraphDumper(folder, std::move(inputs));
}

Status GraphDumper::write(const std::string& name, std::string_view text) const {
  const std::string path = folder_ + '/' + name;
  for (const std::string& input : inputs_) {
    if (!is_same_file(path, input)) continue;
    return Error{Code::kUsage,
                 "--dump-dir: '" + path + "' is also read: an input is never overwritten"};
  }
  return write_file(path, text);
}

Status GraphDumper::dump_graph(std::string_view stage, const Graph& graph) {
  std::string number = std::to_string(count_++);
  if (number.size() < 2) number.insert(0, 1, '0');
  return write(number + '-' + std::string(stage) + ".ir",
               print_graph(graph, {.elide_large_constants = true}));
}

void GraphDumper::observe(const PassEvent& event) {
  if (!event.changed || !first_failure_.ok()) return;
  first_failure_ = dump_graph(event.pass, *event.graph);
}

void GraphDumper::trace_budget(std::string_view line) {
  budget_ += line;
  budget_ += '\n';
}

Status GraphDumper::dump_memory(const CompiledModel& model) {
  MEMOPT_RETURN_IF_ERROR(first_failure_);
  if (!budget_.empty()) MEMOPT_RETURN_IF_ERROR(write("budget.txt", budget_));
  MEMOPT_RETURN_IF_ERROR(dump_graph("lowered", model.lowered.graph));
  MemoryProblem problem = model.lowered.buffers.assignment.problem;
  for (MemoryBuffer& buffer : problem.buffers) {  // the format has no quoting
    std::replace_if(
        buffer.name.begin(), buffer.name.end(),
        [](unsigned char c) { return c == ',' || std::isspace(c) || std::iscntrl(c); }, '_');
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::string rows, print_memory_csv(problem));
  MEMOPT_RETURN_IF_ERROR(write("problem.csv", rows));
  MEMOPT_ASSIGN_OR_RETURN(const std::string planned,
                          print_memory_csv(problem, model.lowered.buffers.plan.offsets));
  MEMOPT_RETURN_IF_ERROR(write("plan.csv", planned));
  return write("plan.txt", dump_plan(model.plan()));
}

}  // namespace memopt
