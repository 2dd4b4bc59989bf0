#include "tests/support/random_graph.h"

#include <cstring>
#include <random>

#include "runtime/ops/op_def.h"
#include "tests/support/first_result.h"

namespace memopt {
namespace {

class Builder {
 public:
  explicit Builder(uint64_t seed) : random_(seed) {}

  Graph build(int nodes) {
    graph_.name = "random";
    for (int i = 0; i < 2; ++i) {
      values_.push_back(
          graph_.add_input("x" + std::to_string(i), {.dtype = DType::kF32, .dims = {1, 4, 6, 6}}));
    }
    while (static_cast<int>(graph_.order().size()) < nodes) add_something();
    for (const ValueId id : values_) {
      const bool unread = graph_.value(id).kind == ValueKind::kResult && graph_.uses(id).empty();
      if (unread && graph_.outputs().size() < 3) graph_.add_output(id);
    }
    if (graph_.outputs().empty()) graph_.add_output(values_.back());
    return std::move(graph_);
  }

 private:
  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }
  ValueId any() {
    // Mostly recent values, so that the graph is deep as well as wide.
    const int window = below(3) == 0 ? static_cast<int>(values_.size()) : 4;
    return values_[values_.size() - 1 -
                   static_cast<size_t>(below(std::min(window, static_cast<int>(values_.size()))))];
  }

  ValueId constant(const Dims& dims) {
    std::vector<std::byte> bytes(static_cast<size_t>(dims.count()) * sizeof(float));
    for (int64_t i = 0; i < dims.count(); ++i) {
      const float value = std::uniform_real_distribution<float>(-0.5f, 0.5f)(random_);
      std::memcpy(bytes.data() + i * 4, &value, sizeof(value));
    }
    return graph_.add_constant(graph_.unique_name("w"), {.dtype = DType::kF32, .dims = dims},
                               ConstantData::from_bytes(std::move(bytes)));
  }

  // Adds the node if its operands fit it.
  void add(Op op, const std::vector<ValueId>& inputs) {
    const auto results = infer_results(graph_, op, inputs);
    if (!results.ok()) return;
    std::vector<Value> outputs;
    for (const TensorType& type : *results) {
      if (type.count() == 0 || type.bytes() > 64 * 1024) return;
      Value output;
      output.name = "v" + std::to_string(next_name_++);
      output.type = type;
      outputs.push_back(output);
    }
    const NodeId id =
        graph_.add_node(std::move(op), inputs, outputs, "n" + std::to_string(next_name_));
    for (const ValueId output : graph_.node(id).outputs) values_.push_back(output);
  }

  void add_conv(ValueId x, bool depthwise, int64_t kernel) {
    const Dims& dims = graph_.type(x).dims;
    if (dims.rank() != 4) return;
    const int64_t channels = depthwise ? dims[1] : 4 + below(3) * 4;
    Conv conv;
    conv.strides = {1, 1};
    conv.dilations = {1, 1};
    conv.pads = std::vector<int64_t>(4, kernel / 2);
    conv.group = depthwise ? dims[1] : 1;
    add(conv,
        {x, constant({channels, depthwise ? 1 : dims[1], kernel, kernel}), constant({channels})});
  }

  void add_something() {
    const ValueId x = any();
    const Dims dims = graph_.type(x).dims;
    switch (below(14)) {
      case 0:
        return add_conv(x, false, 3);
      case 1:
        return add_conv(x, false, 1);
      case 2:
        return add_conv(x, true, 3);
      case 3:
        return add(Unary{{UnaryFn::kRelu, 0, 0}}, {x});
      case 4:
        return add(Unary{{UnaryFn::kSigmoid, 0, 0}}, {x});
      case 5:
      case 6:
        return add(Binary{below(2) == 0 ? BinaryFn::kAdd : BinaryFn::kMul, {}}, {x, any()});
      case 7:
        return dims.rank() == 4 ? add(Binary{BinaryFn::kMul, {}}, {x, constant({dims[1], 1, 1})})
                                : void();
      case 8: {
        Pool pool;
        pool.fn = below(2) == 0 ? PoolFn::kMax : PoolFn::kAverage;
        pool.kernel = {3, 3};
        pool.strides = {1, 1};
        pool.dilations = {1, 1};
        pool.pads = {1, 1, 1, 1};
        return add_first(pool, x);
      }
      case 9:
      case 10:
        return add(Concat{below(std::max(dims.rank(), 1))}, {x, any()});
      case 11: {
        const int axis = below(std::max(dims.rank(), 1));
        if (dims.rank() == 0 || dims[axis] < 2) return;
        const int64_t first = 1 + below(static_cast<int>(dims[axis]) - 1);
        return add(Split{axis, {first, dims[axis] - first}}, {x});
      }
      case 12: {
        if (dims.rank() != 4) return;
        return add(Transpose{below(2) == 0 ? std::vector<int64_t>{0, 2, 3, 1}
                                           : std::vector<int64_t>{0, 3, 1, 2}},
                   {x});
      }
      default:
        if (dims.rank() != 4) return;
        return add(Reshape{{1, dims[1] * dims[2], dims[3], 1}}, {x});
    }
  }

  // Without the optional second output.
  void add_first(Op op, ValueId x) {
    const auto results = infer_results(graph_, op, {{x}});
    if (!results.ok()) return;
    const std::string number = std::to_string(next_name_++);
    values_.push_back(
        add_first_result(graph_, std::move(op), {x}, *results, "v" + number, "n" + number));
  }

  std::mt19937_64 random_;
  Graph graph_;
  std::vector<ValueId> values_;
  int next_name_ = 0;
};

}  // namespace

Graph random_graph(uint64_t seed, int nodes) { return Builder(seed).build(nodes); }

}  // namespace memopt
