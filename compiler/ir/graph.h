// The SSA graph. Values and nodes are dense ids, so graphs copy, side tables are vectors (ValueMap,
// NodeMap) and every iteration is deterministic. The order of the nodes is the execution order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "runtime/base/account.h"
#include "runtime/base/type.h"
#include "runtime/ops/op.h"

namespace memopt {

// A dense id, or none. `Id<...>::none()` stands for a missing optional operand.
template <typename Tag>
class Id {
 public:
  constexpr Id() = default;  // none
  constexpr explicit Id(size_t index) : index_(static_cast<uint32_t>(index)) {}
  static constexpr Id none() { return Id(); }
  constexpr explicit operator bool() const { return index_ != kNone; }
  constexpr uint32_t index() const { return index_; }
  // The check takes the zero inside of the operator for a pointer.
  constexpr auto operator<=>(const Id&) const = default;  // NOLINT(modernize-use-nullptr)

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  uint32_t index_ = kNone;
};
using ValueId = Id<struct ValueTag>;
using NodeId = Id<struct NodeTag>;

// Bytes of a constant: its own, or a range of a mapped file that `owner` keeps alive. Immutable,
// shared by copies.
class ConstantData {
 public:
  // `reserved` is given back to its account with the bytes (reserve_constant()).
  static std::shared_ptr<const ConstantData> from_bytes(std::vector<std::byte> bytes,
                                                        Reservation reserved = {});
  static std::shared_ptr<const ConstantData> mapped(std::span<const std::byte> bytes,
                                                    std::shared_ptr<const void> owner);
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

// Counts the bytes of a constant that is not in a file, before it is made. They count twice: to be
// reordered, packed or written it is copied while others still read it.
Result<Reservation> reserve_constant(const std::shared_ptr<Account>& account, int64_t bytes,
                                     std::string_view what);

enum class ValueKind : uint8_t { kInput, kConstant, kResult };

struct Value {
  std::string name;  // unique among the live values of a graph; ONNX's name where it has one
  TensorType type;
  ValueKind kind = ValueKind::kResult;
  NodeId producer;  // kResult
  std::shared_ptr<const ConstantData>
      data;  // kConstant: dense, in the type's layout, little-endian
};

// A value that lives on from one run to the next: what an output is when a run ends, an input is
// when the next one begins.
struct State {
  ValueId before;     // the input
  size_t output = 0;  // position in outputs()
  // What `before` is at the first run, dense, in the layout of its type; null: zeros.
  std::shared_ptr<const ConstantData> initial;
};

class Graph;

struct Node {
  Op op;
  llvm::SmallVector<ValueId, 4> inputs;   // none() for a missing optional input
  llvm::SmallVector<ValueId, 2> outputs;  // none() for an optional output that is not computed
  std::string name;            // of the ONNX node(s) it came from, joined with '+'; may be empty
  std::vector<Graph> regions;  // If, Loop, Scan
};

struct Use {
  NodeId node;
  uint32_t operand = 0;
  bool operator==(const Use&) const = default;
};

class Graph {
 public:
  std::string name;

  // --- values ---
  ValueId add_input(std::string name, TensorType type);
  // `data` holds exactly type.bytes() bytes (any number for kPacked).
  ValueId add_constant(std::string name, TensorType type, std::shared_ptr<const ConstantData> data);
  const Value& value(ValueId id) const { return values_[id.index()]; }
  const TensorType& type(ValueId id) const { return values_[id.index()].type; }
  void set_type(ValueId id, TensorType type) { values_[id.index()].type = type; }
  void rename(ValueId id, std::string name);
  bool is_constant(ValueId id) const { return id && value(id).kind == ValueKind::kConstant; }
  std::optional<ValueId> find(std::string_view name) const;
  // A name that no value has or had: `base`, or base with a number behind it.
  std::string unique_name(std::string_view base);
  size_t value_count() const { return values_.size(); }  // side tables have this many entries

  // Graph inputs and outputs in the order of the signature. A value may be an output more than
  // once.
  std::span<const ValueId> inputs() const { return inputs_; }
  std::span<const ValueId> outputs() const { return outputs_; }
  // `name`: of the output in the signature where it is not that of the value, because another value
  // has that: an input that is passed on.
  void add_output(ValueId id, std::string name = {});
  const std::string& output_name(size_t index) const {
    const std::string& given = output_names_[index];
    return given.empty() ? value(outputs_[index]).name : given;
  }
  bool has_output_name(size_t index) const { return !output_names_[index].empty(); }
  void set_output(size_t index, ValueId id);
  // Removes an input that nothing uses from the signature.
  void erase_input(ValueId id);
  // Makes an input and an output, which are of one type and of no state yet, a state. Both stay in
  // the signature.
  void add_state(State state);
  std::span<const State> states() const { return states_; }
  void set_initial(size_t state, std::shared_ptr<const ConstantData> initial) {
    states_[state].initial = std::move(initial);
  }
  // Is an input or an output of a state.
  bool is_state(ValueId id) const { return state_counts_[id.index()] != 0; }

  // --- nodes ---
  // Appends a node; its outputs become new values with these names and types (an empty name: output
  // not computed).
  NodeId add_node(Op op, std::span<const ValueId> inputs, std::span<const Value> outputs,
                  std::string name);
  // One output, name made unique from `result_name`. Returns the output.
  ValueId add_simple(Op op, std::span<const ValueId> inputs, TensorType type,
                     std::string_view result_name, std::string node_name);
  const Node& node(NodeId id) const { return nodes_[id.index()]; }
  Op& mutable_op(NodeId id) { return nodes_[id.index()].op; }
  std::vector<Graph>& mutable_regions(NodeId id) { return nodes_[id.index()].regions; }
  void set_node_name(NodeId id, std::string name) { nodes_[id.index()].name = std::move(name); }
  void set_input(NodeId id, size_t operand, ValueId value);
  void append_input(NodeId id, ValueId value);
  // Shrinks the operand list of a node to `count`.
  void truncate_inputs(NodeId id, size_t count);
  // Drops an output that has no use and is no graph output.
  void drop_output(NodeId id, size_t index);
  // Removes a node none of whose outputs is used; its results leave the graph.
  void erase(NodeId id);
  // Execution order: the ids of all live nodes.
  std::span<const NodeId> order() const { return order_; }
  // `order` is a permutation of order(); verify() checks that definitions still precede uses.
  void set_order(std::vector<NodeId> order) { order_ = std::move(order); }
  // Moves `id`, which is the last node, to just before `position`.
  void move_last_before(NodeId position);
  size_t node_count() const { return nodes_.size(); }

  // --- uses ---
  std::span<const Use> uses(ValueId id) const { return uses_[id.index()]; }
  bool is_output(ValueId id) const { return output_counts_[id.index()] != 0; }
  // True if `id` is read exactly once, by a node, and is no graph output.
  bool has_single_use(ValueId id) const { return uses(id).size() == 1 && !is_output(id); }
  // Nodes and graph outputs that read `from` read `to` from now on.
  void replace_uses(ValueId from, ValueId to);

 private:
  ValueId add_value(Value value);
  void add_use(ValueId id, NodeId node, size_t operand);
  void remove_use(ValueId id, NodeId node, size_t operand);

  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::vector<NodeId> order_;
  std::vector<ValueId> inputs_;
  std::vector<ValueId> outputs_;
  std::vector<std::string> output_names_;  // empty: the value's own
  std::vector<llvm::SmallVector<Use, 2>> uses_;
  std::vector<uint32_t> output_counts_;  // per value: how many outputs it is
  std::vector<State> states_;
  std::vector<uint32_t> state_counts_;  // per value: how many inputs and outputs of states it is
  llvm::StringSet<> names_;             // every name that a value has or had
  llvm::StringMap<int> next_numbers_;   // by base: no smaller number makes it unique
};

// A side table: one T per value (node) of the graph it was made for.
template <typename T>
class ValueMap : public std::vector<T> {
 public:
  explicit ValueMap(const Graph& graph, T initial = T())
      : std::vector<T>(graph.value_count(), initial) {}
  decltype(auto) operator[](ValueId id) { return std::vector<T>::operator[](id.index()); }
  decltype(auto) operator[](ValueId id) const { return std::vector<T>::operator[](id.index()); }
};
template <typename T>
class NodeMap : public std::vector<T> {
 public:
  explicit NodeMap(const Graph& graph, T initial = T())
      : std::vector<T>(graph.node_count(), initial) {}
  decltype(auto) operator[](NodeId id) { return std::vector<T>::operator[](id.index()); }
  decltype(auto) operator[](NodeId id) const { return std::vector<T>::operator[](id.index()); }
};

// Values that belong to the graph: inputs, constants that something uses, results of live nodes. In
// id order.
std::vector<ValueId> live_values(const Graph& graph);

// Nodes of which the first runs before the second.
using Precedence = std::vector<std::pair<NodeId, NodeId>>;

// An order of the nodes in which definitions precede uses, and the first of each pair the second:
// the present one where it can be. An Error names a node on a cycle.
Result<std::vector<NodeId>> topological_order(const Graph& graph,
                                              const Precedence& precedence = {});
// Puts the nodes into it.
Status sort_topologically(Graph& graph, const Precedence& precedence = {});

}  // namespace memopt
