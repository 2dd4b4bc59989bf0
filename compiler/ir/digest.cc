#include "compiler/ir/digest.h"

#include "runtime/base/digest.h"

namespace memopt {
namespace {

// Feeds a digest with what has a length, so that no two sequences look alike.
class Feeder {
 public:
  void add(int64_t number) { digest_.update(std::as_bytes(std::span(&number, 1))); }
  void add(double number) { digest_.update(std::as_bytes(std::span(&number, 1))); }
  void add(std::string_view text) {
    add(static_cast<int64_t>(text.size()));
    digest_.update(std::as_bytes(std::span(text)));
  }
  void add(const std::string& text) { add(std::string_view(text)); }
  template <typename T>
  void add(const std::vector<T>& list) {
    add(static_cast<int64_t>(list.size()));
    for (const T& item : list) add(item);
  }
  std::string text() const { return digest_text(digest_.value()); }

 private:
  Digest digest_;
};

// Values are known by the order in which they are met.
class NetworkDigest {
 public:
  void add(const Graph& graph) {
    ValueMap<int64_t> numbers(graph, 0);
    int64_t count = 0;
    const auto add_value = [&](ValueId id) {
      if (!id) return feeder_.add(int64_t{0});
      const bool is_new = numbers[id] == 0;
      if (is_new) numbers[id] = ++count;
      feeder_.add(numbers[id]);
      if (is_new) feeder_.add(to_string(graph.type(id)));
    };
    const auto add_values = [&](auto&& list) {
      feeder_.add(static_cast<int64_t>(list.size()));
      for (const ValueId id : list) add_value(id);
    };
    const auto add_named = [&](std::span<const ValueId> list) {
      add_values(list);
      for (const ValueId id : list) feeder_.add(graph.value(id).name);
    };
    add_named(graph.inputs());
    for (const NodeId id : graph.order()) {
      const Node& node = graph.node(id);
      feeder_.add(op_name(node.op));
      for (const Attr& attr : op_attrs(node.op)) {
        feeder_.add(attr.name);
        std::visit([this](const auto& value) { feeder_.add(value); }, attr.value);
      }
      add_values(node.inputs);
      add_values(node.outputs);
      for (const Graph& region : node.regions) add(region);
    }
    add_named(graph.outputs());
    for (const State& state : graph.states()) {
      add_value(state.before);
      feeder_.add(static_cast<int64_t>(state.output));
    }
  }
  std::string text() const { return feeder_.text(); }

 private:
  Feeder feeder_;
};

}  // namespace

std::string network_digest(const Graph& graph) {
  NetworkDigest digest;
  digest.add(graph);
  return digest.text();
}

}  // namespace memopt
