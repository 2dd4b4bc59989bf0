#include "passes/budget/floor.h"

#include <algorithm>
#include <map>

#include "passes/planning/storage.h"
#include "runtime/base/checked.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

class FloorFinder {
 public:
  FloorFinder(const Candidate& unbudgeted, bool io_in_arena)
      : graph_(unbudgeted.lowered.graph),
        aliases_(unbudgeted.lowered.buffers.assignment.aliases),
        io_in_arena_(io_in_arena) {}

  BudgetFloor run() {
    raise(bytes_of(graph_.inputs()), "the inputs lie in the arena before the first step");
    raise(bytes_of(graph_.outputs()), "the outputs lie in the arena after the last step");
    for (const NodeId id : graph_.order()) {
      if (aliases_.elided[id] || !is_indivisible(graph_.node(id))) continue;
      const Node& node = graph_.node(id);
      const std::string what =
          "'" + node.name + "' (" + std::string(op_name(node.op)) + ") cannot be split";
      raise(bytes_of(node.inputs), what + " and reads its operands whole");
      raise(bytes_of(node.outputs), what + " and writes its results whole");
    }
    return floor_;
  }

 private:
  void raise(int64_t bytes, const std::string& reason) {
    if (bytes > floor_.bytes) floor_ = {.bytes = bytes, .reason = reason};
  }

  // Of distinct storages in the arena; of several values in one the largest.
  int64_t bytes_of(std::span<const ValueId> values) const {
    std::map<ValueId, int64_t> largest;
    for (const ValueId id : values) {
      if (!id) continue;
      const ValueId root = aliases_.placement[id].root;
      if (storage_of(graph_, io_in_arena_, root) != Storage::kArena) continue;
      largest[root] = std::max(largest[root], graph_.type(id).bytes());
    }
    int64_t sum = 0;
    for (const auto& [root, bytes] : largest) sum += align_up(bytes, kArenaAlignment);
    return sum;
  }

  bool is_indivisible(const Node& node) const {
    if (node.outputs.empty() || !node.outputs[0] || !node.regions.empty()) return true;
    const OpDef& def = op_def(node.op);
    if (def.view || def.reshapes || def.permutation || def.destination ||
        def.layout == LayoutRule::kAny) {
      return false;  // may move nothing at all
    }
    std::vector<TensorType> row_major(node.inputs.size());
    std::vector<const TensorType*> inputs(node.inputs.size(), nullptr);
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i]) continue;
      row_major[i] = graph_.type(node.inputs[i]);
      row_major[i].layout = Layout::kRowMajor;
      inputs[i] = &row_major[i];
    }
    std::vector<TensorType> outputs;
    for (const ValueId output : node.outputs) {
      outputs.push_back(output ? graph_.type(output) : TensorType{});
      outputs.back().layout = Layout::kRowMajor;
    }
    for (int axis = 0; axis < outputs[0].dims.rank(); ++axis) {
      if (outputs[0].dims[axis] > 1 && band_of(node.op, inputs, outputs, axis, {0, 1})) {
        return false;
      }
    }
    return true;
  }

  const Graph& graph_;
  const Aliases& aliases_;
  bool io_in_arena_;
  BudgetFloor floor_;
};

}  // namespace

BudgetFloor budget_floor(const Candidate& unbudgeted, bool io_in_arena) {
  return FloorFinder(unbudgeted, io_in_arena).run();
}

}  // namespace memopt
