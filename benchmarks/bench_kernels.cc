// Every kernel that can run an operator, side by side on one thread: bench_kernels
// --benchmark_filter=conv
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "passes/lowering.h"
#include "runtime/base/page_buffer.h"
#include "runtime/executor/thread_pool.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

struct Case {
  std::string name;
  Op op;
  std::vector<TensorType> inputs;
  std::vector<size_t> constants;  // which of them the kernel may pack
};

TensorType f32(const Dims& dims, Layout layout = Layout::kRowMajor) {
  return {.dtype = DType::kF32, .dims = dims, .layout = layout};
}

Conv convolution(int64_t kernel, int64_t group) {
  Conv conv;
  conv.strides = {1, 1};
  conv.dilations = {1, 1};
  conv.pads = std::vector<int64_t>(4, kernel / 2);
  conv.group = group;
  return conv;
}

std::vector<Case> cases() {
  constexpr Layout kNhwc = Layout::kChannelsLast;
  const TensorType image = f32({1, 64, 56, 56}, kNhwc);
  return {
      {"conv3x3", convolution(3, 1), {image, f32({64, 64, 3, 3})}, {1}},
      {"conv1x1", convolution(1, 1), {image, f32({256, 64, 1, 1})}, {1}},
      {"conv_depthwise", convolution(3, 64), {image, f32({64, 1, 3, 3})}, {1}},
      {"matmul", MatMul{}, {f32({128, 768}), f32({768, 768})}, {1}},
      {"add", Binary{BinaryFn::kAdd, {}}, {image, image}, {}},
      {"sigmoid", Unary{{UnaryFn::kSigmoid, 0, 0}}, {image}, {}},
      {"softmax", Softmax{SoftmaxFn::kSoftmax, 1}, {f32({128, 1000})}, {}},
      {"concat", Concat{1}, {image, image}, {}},
      {"transpose", Transpose{{0, 2, 3, 1}}, {f32({1, 64, 56, 56})}, {}},
      {"to_nhwc", Reorder{kNhwc}, {f32({1, 64, 56, 56})}, {}},
  };
}

// The graph of one node, whose operands are inputs and constants of zeros.
Graph graph_of(const Case& test) {
  Graph graph;
  std::vector<ValueId> operands;
  std::vector<const TensorType*> types;
  for (size_t i = 0; i < test.inputs.size(); ++i) {
    const bool constant =
        std::find(test.constants.begin(), test.constants.end(), i) != test.constants.end();
    const std::string name = "x" + std::to_string(i);
    operands.push_back(constant
                           ? graph.add_constant(name, test.inputs[i],
                                                ConstantData::from_bytes(std::vector<std::byte>(
                                                    static_cast<size_t>(test.inputs[i].bytes()))))
                           : graph.add_input(name, test.inputs[i]));
    types.push_back(&test.inputs[i]);
  }
  auto results = infer_types(test.op, types);
  MEMOPT_CHECK(results.ok());
  TensorType result = (*results)[0];
  const auto* reorder = std::get_if<Reorder>(&test.op);
  result.layout = reorder                                      ? reorder->to
                  : std::holds_alternative<Transpose>(test.op) ? Layout::kRowMajor
                                                               : test.inputs[0].layout;
  graph.add_output(graph.add_simple(test.op, operands, result, "y", test.name));
  return graph;
}

void run(benchmark::State& state, const Case& test, const KernelDef* kernel) {
  const Graph graph = graph_of(test);
  const NodeId id = graph.order()[0];
  NodeOperands operands = node_operands(graph, id);
  const Target target{.isa = host_isa(), .pieces = 1};
  KernelRequest request = operands.request(test.op, target);
  if (!kernel->supports(request)) return state.SkipWithError("not supported here");
  const KernelNeeds needs = kernel->needs ? *kernel->needs(request) : KernelNeeds{};
  std::vector<PageBuffer> buffers;
  const auto allocate = [&](int64_t bytes) {
    buffers.push_back(*PageBuffer::allocate(std::max<int64_t>(bytes, 1)));
    return buffers.back().bytes();
  };
  std::vector<std::span<std::byte>> memory;
  for (const TensorType& type : test.inputs) memory.push_back(allocate(type.bytes()));
  for (const PackedOperand& packed : needs.packed) {
    memory[static_cast<size_t>(packed.input)] = allocate(packed.bytes);
    MEMOPT_CHECK(
        kernel->pack(request, packed.input, memory[static_cast<size_t>(packed.input)]).ok());
  }
  for (const PackedOperand& packed : needs.packed) {
    operands.inputs[static_cast<size_t>(packed.input)].layout = Layout::kPacked;
  }
  request = operands.request(test.op, target);
  auto made = kernel->create(request);
  if (!made.ok()) return state.SkipWithError(made.error().message.c_str());
  const auto tensor = [](const Operand& operand, std::span<std::byte> bytes) {
    return Tensor{operand.dtype, operand.layout, operand.dims, operand.strides, bytes.data()};
  };
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < memory.size(); ++i)
    inputs.push_back(tensor(operands.inputs[i], memory[i]));
  const std::vector<Tensor> outputs = {
      tensor(operands.outputs[0], allocate(graph.type(graph.outputs()[0]).bytes()))};
  const std::unique_ptr<ThreadPool> pool = *ThreadPool::create(1);
  const RunContext context{.inputs = inputs,
                           .outputs = outputs,
                           .scratch = allocate(needs.scratch_bytes).data(),
                           .parallel = pool.get()};
  for (auto _ : state) MEMOPT_CHECK((*made)->run(context).ok());
}

}  // namespace
}  // namespace memopt

int main(int argc, char** argv) {
  static const auto kAll = memopt::cases();
  for (const auto& test : kAll) {
    for (const memopt::KernelDef* kernel : memopt::kernels_for(memopt::op_kind(test.op))) {
      benchmark::RegisterBenchmark(
          (test.name + "/" + std::string(kernel->name)).c_str(),
          [&test, kernel](benchmark::State& state) { run(state, test, kernel); })
          ->Unit(benchmark::kMicrosecond);
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
