// --dump-dir: every box of the compilation as text.
#pragma once

#include <string>

#include "passes/compile.h"

namespace memopt {

// Writes 00-import.ir, 01-<pass>.ir, ..., budget.txt, problem.csv, plan.csv, plan.txt into a
// folder, which it makes.
class GraphDumper {
 public:
  // Writes over none of `inputs`: kUsage where one has such a name.
  static Result<GraphDumper> create(const std::string& folder, std::vector<std::string> inputs);
  Status dump_graph(std::string_view stage, const Graph& graph);
  // After a pass: only where it changed something. The first failure is returned by dump_memory.
  void observe(const PassEvent& event);
  // What the search for a budget tries, line by line (budget.txt).
  void trace_budget(std::string_view line);
  Status dump_memory(const CompiledModel& model);

 private:
  GraphDumper(std::string folder, std::vector<std::string> inputs)
      : folder_(std::move(folder)), inputs_(std::move(inputs)) {}
  Status write(const std::string& name, std::string_view text) const;
  std::string folder_;
  std::vector<std::string> inputs_;
  int count_ = 0;
  std::string budget_;
  Status first_failure_;
};

}  // namespace memopt
