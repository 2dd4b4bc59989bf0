#include "compiler/ir/graph.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/checked.h"

namespace memopt {
namespace {

// Passes go over a graph from one end to the other, and what they take out is near that end.
template <typename List, typename Item>
auto find_from_ends(List& list, const Item& item) {
  auto front = list.begin(), back = list.end();
  while (front != back) {
    if (*front == item) return front;
    if (*--back == item) return back;
    if (front != back) ++front;
  }
  return list.end();
}

}  // namespace

std::shared_ptr<const ConstantData> ConstantData::from_bytes(std::vector<std::byte> bytes,
                                                             Reservation reserved) {
  struct Storage {
    std::vector<std::byte> bytes;
    Reservation reserved;
  };
  auto storage = std::make_shared<const Storage>(
      Storage{.bytes = std::move(bytes), .reserved = std::move(reserved)});
  return mapped(storage->bytes, storage);
}

Result<Reservation> reserve_constant(const std::shared_ptr<Account>& account, int64_t bytes,
                                     std::string_view what) {
  constexpr int64_t kCopies = 2;
  return Reservation::make(account, checked_mul(kCopies, bytes).value_or(INT64_MAX), what);
}

std::shared_ptr<const ConstantData> ConstantData::mapped(std::span<const std::byte> bytes,
                                                         std::shared_ptr<const void> owner) {
  auto data = std::make_shared<ConstantData>();
  data->bytes_ = bytes;
  data->owner_ = std::move(owner);
  return data;
}

ValueId Graph::add_value(Value value) {
  names_.insert(value.name);
  const ValueId id(values_.size());
  values_.push_back(std::move(value));
  uses_.emplace_back();
  output_counts_.push_back(0);
  state_counts_.push_back(0);
  return id;
}

ValueId Graph::add_input(std::string name, TensorType type) {
  const ValueId id = add_value({.name = std::move(name),
                                .type = type,
                                .kind = ValueKind::kInput,
                                .producer = {},
                                .data = {}});
  inputs_.push_back(id);
  return id;
}

ValueId Graph::add_constant(std::string name, TensorType type,
                            std::shared_ptr<const ConstantData> data) {
  MEMOPT_CHECK(type.layout == Layout::kPacked ||
               static_cast<int64_t>(data->bytes().size()) == type.bytes());
  return add_value({.name = std::move(name),
                    .type = type,
                    .kind = ValueKind::kConstant,
                    .producer = {},
                    .data = std::move(data)});
}

void Graph::rename(ValueId id, std::string name) {
  names_.insert(name);
  values_[id.index()].name = std::move(name);
}

std::optional<ValueId> Graph::find(std::string_view name) const {
  for (const ValueId id : live_values(*this)) {
    if (value(id).name == name) return id;
  }
  return std::nullopt;
}

std::string Graph::unique_name(std::string_view base) {
  std::string name(base);
  if (!names_.contains(name)) return name;
  int& number = next_numbers_.try_emplace(name, 1).first->second;
  const std::string start = name + '_';
  while (names_.contains(name = start + std::to_string(number))) ++number;
  return name;
}

void Graph::add_output(ValueId id, std::string name) {
  outputs_.push_back(id);
  output_names_.push_back(std::move(name));
  ++output_counts_[id.index()];
}

void Graph::set_output(size_t index, ValueId id) {
  const ValueId old = std::exchange(outputs_[index], id);
  --output_counts_[old.index()];
  ++output_counts_[id.index()];
  for (const State& state : states_) {
    if (state.output != index) continue;
    --state_counts_[old.index()];
    ++state_counts_[id.index()];
  }
}

void Graph::erase_input(ValueId id) {
  MEMOPT_CHECK(uses(id).empty() && !is_output(id) && !is_state(id));
  std::erase(inputs_, id);
}

void Graph::add_state(State state) {
  MEMOPT_CHECK(value(state.before).kind == ValueKind::kInput && state.output < outputs_.size());
  ++state_counts_[state.before.index()];
  ++state_counts_[outputs_[state.output].index()];
  states_.push_back(std::move(state));
}

NodeId Graph::add_node(Op op, std::span<const ValueId> inputs, std::span<const Value> outputs,
                       std::string name) {
  const NodeId id(nodes_.size());
  Node node{
      .op = std::move(op), .inputs = {}, .outputs = {}, .name = std::move(name), .regions = {}};
  for (const Value& output : outputs) {
    if (output.name.empty()) {
      node.outputs.push_back(ValueId::none());
      continue;
    }
    node.outputs.push_back(add_value({.name = output.name,
                                      .type = output.type,
                                      .kind = ValueKind::kResult,
                                      .producer = id,
                                      .data = {}}));
  }
  node.inputs.assign(inputs.begin(), inputs.end());
  nodes_.push_back(std::move(node));
  for (size_t i = 0; i < inputs.size(); ++i) add_use(inputs[i], id, i);
  order_.push_back(id);
  return id;
}

ValueId Graph::add_simple(Op op, std::span<const ValueId> inputs, TensorType type,
                          std::string_view result_name, std::string node_name) {
  const Value output{
      .name = unique_name(result_name), .type = type, .kind = {}, .producer = {}, .data = {}};
  const NodeId id = add_node(std::move(op), inputs, std::span(&output, 1), std::move(node_name));
  return node(id).outputs[0];
}

void Graph::set_input(NodeId id, size_t operand, ValueId value) {
  ValueId& slot = nodes_[id.index()].inputs[operand];
  remove_use(slot, id, operand);
  slot = value;
  add_use(value, id, operand);
}

void Graph::append_input(NodeId id, ValueId value) {
  auto& inputs = nodes_[id.index()].inputs;
  inputs.push_back(value);
  add_use(value, id, inputs.size() - 1);
}

void Graph::truncate_inputs(NodeId id, size_t count) {
  auto& inputs = nodes_[id.index()].inputs;
  while (inputs.size() > count) {
    remove_use(inputs.back(), id, inputs.size() - 1);
    inputs.pop_back();
  }
}

void Graph::drop_output(NodeId id, size_t index) {
  ValueId& output = nodes_[id.index()].outputs[index];
  MEMOPT_CHECK(output && uses(output).empty() && !is_output(output));
  output = ValueId::none();
}

void Graph::erase(NodeId id) {
  Node& node = nodes_[id.index()];
  for (const ValueId output : node.outputs) {
    MEMOPT_CHECK(!output || (uses(output).empty() && !is_output(output)));
  }
  truncate_inputs(id, 0);
  order_.erase(find_from_ends(order_, id));
  node = Node{};
}

void Graph::move_last_before(NodeId position) {
  const NodeId last = order_.back();
  order_.pop_back();
  order_.insert(find_from_ends(order_, position), last);
}

void Graph::replace_uses(ValueId from, ValueId to) {
  if (from == to) return;
  for (const Use& use : uses_[from.index()]) {
    nodes_[use.node.index()].inputs[use.operand] = to;
    uses_[to.index()].push_back(use);
  }
  uses_[from.index()].clear();
  if (!is_output(from)) return;
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i] == from) set_output(i, to);
  }
}

void Graph::add_use(ValueId id, NodeId node, size_t operand) {
  if (id) uses_[id.index()].push_back({.node = node, .operand = static_cast<uint32_t>(operand)});
}

void Graph::remove_use(ValueId id, NodeId node, size_t operand) {
  if (!id) return;
  auto& list = uses_[id.index()];
  const Use use{.node = node, .operand = static_cast<uint32_t>(operand)};
  list.erase(find_from_ends(list, use));
}

std::vector<ValueId> live_values(const Graph& graph) {
  std::vector<bool> live(graph.value_count(), false);
  for (const ValueId id : graph.inputs()) live[id.index()] = true;
  for (const ValueId id : graph.outputs()) live[id.index()] = true;
  for (const NodeId id : graph.order()) {
    for (const ValueId input : graph.node(id).inputs) {
      if (input) live[input.index()] = true;
    }
    for (const ValueId output : graph.node(id).outputs) {
      if (output) live[output.index()] = true;
    }
  }
  std::vector<ValueId> ids;
  for (size_t i = 0; i < live.size(); ++i) {
    if (live[i]) ids.emplace_back(i);
  }
  return ids;
}

Result<std::vector<NodeId>> topological_order(const Graph& graph, const Precedence& precedence) {
  // Kahn's algorithm with a heap on the present position, so that a sorted graph stays as it is.
  NodeMap<size_t> position(graph);
  NodeMap<size_t> missing(graph);
  NodeMap<std::vector<NodeId>> later(graph);
  for (const auto& [first, second] : precedence) {
    later[first].push_back(second);
    ++missing[second];
  }
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  const std::vector<NodeId> old(graph.order().begin(), graph.order().end());
  for (size_t i = 0; i < old.size(); ++i) {
    position[old[i]] = i;
    for (const ValueId input : graph.node(old[i]).inputs) {
      if (input && graph.value(input).kind == ValueKind::kResult) ++missing[old[i]];
    }
    if (missing[old[i]] == 0) ready.push(i);
  }
  std::vector<NodeId> sorted;
  while (!ready.empty()) {
    const NodeId id = old[ready.top()];
    ready.pop();
    sorted.push_back(id);
    const auto release = [&](NodeId next) {
      if (--missing[next] == 0) ready.push(position[next]);
    };
    for (const ValueId output : graph.node(id).outputs) {
      if (!output) continue;
      for (const Use& use : graph.uses(output)) release(use.node);
    }
    for (const NodeId next : later[id]) release(next);
  }
  if (sorted.size() != old.size()) {
    for (const NodeId id : old) {
      if (missing[id] != 0) return bad_input("node '" + graph.node(id).name + "' is on a cycle");
    }
  }
  return sorted;
}

Status sort_topologically(Graph& graph, const Precedence& precedence) {
  MEMOPT_ASSIGN_OR_RETURN(std::vector<NodeId> order, topological_order(graph, precedence));
  graph.set_order(std::move(order));
  return {};
}

}  // namespace memopt
