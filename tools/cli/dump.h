// --dump-dir: every box of the compilation as text.
#pragma once

#include <string>

#include "passes/compile.h"

namespace memopt {

// Writes 00-import.ir, 01-<pass>.ir, ..., budget.txt, problem.csv, plan.csv, plan.txt into a
// folder, which it makes.
class GraphDumper {
 public:
  static Result<GraphDumper> create(const std::string& folder);
  Status dump_graph(std::string_view stage, const Graph& graph);
  // After a pass: only where it changed something. The first failure is returned by dump_memory.
  void observe(const PassEvent& event);
  // What the search for a budget tries, line by line (budget.txt).
  void trace_budget(std::string_view line);
  Status dump_memory(const CompiledModel& model);

 private:
  explicit GraphDumper(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
  int count_ = 0;
  std::string budget_;
  Status first_failure_;
};

}  // namespace memopt
