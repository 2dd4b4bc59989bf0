// The graph with kernels: for every node the kernel that will run it, what it needs, and what it
// may overwrite.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/base/result.h"
#include "runtime/base/target.h"
#include "runtime/kernels/kernel.h"

namespace memopt {

struct KernelChoice {
  const KernelDef* kernel = nullptr;
  KernelNeeds needs;
};

// Operands of a node as its kernel will see them (constants whose bytes are not aligned for their
// type without data): dense, in the layouts of their types. Where a value lies the same in two
// layouts, it is shown in the one of the node.
struct NodeOperands {
  std::vector<Operand> inputs;
  std::vector<Operand> outputs;
  KernelRequest request(const Op& op, const Target& target) const {
    return {.op = &op, .inputs = inputs, .outputs = outputs, .target = target};
  }
};
NodeOperands node_operands(const Graph& graph, NodeId id);

struct SelectOptions {
  Target target;
  // Only reference kernels: the oracle for everything else.
  bool reference_only = false;
  std::vector<std::string> disabled_kernels;  // by name
  // The node that makes the value of this name does without the kernel of this name.
  std::vector<std::pair<std::string, std::string>> avoided = {};
};

// The first kernel of each node's table that supports it. Nodes that nothing supports are reported
// all at once, with operators, names and counts (kBadInput).
Result<NodeMap<KernelChoice>> select_kernels(const Graph& graph, const SelectOptions& options);

}  // namespace memopt
