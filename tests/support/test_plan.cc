#include "tests/support/test_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "runtime/base/digest.h"
#include "runtime/plan/header.h"

namespace memopt {
namespace {

enum class Behaviour {
  kAdd,
  kRelu,
  kCopy,
  kScratch,
  kParallel,
  kWild,
  kReads,
  kLazy,
  kStale,
  kFails
};

int64_t element_at(const Tensor& tensor, int64_t index) {
  int64_t element = 0;
  for (int i = tensor.rank() - 1; i >= 0; --i) {
    element += index % tensor.dims[i] * tensor.strides[i];
    index /= tensor.dims[i];
  }
  return element;
}

class TestKernel final : public Kernel {
 public:
  explicit TestKernel(Behaviour behaviour) : behaviour_(behaviour) {}

  Status run(const RunContext& context) override {
    if (behaviour_ == Behaviour::kFails) return bad_input("the test kernel fails");
    const Tensor& y = context.outputs[0];
    const int64_t count = y.count();
    if (behaviour_ == Behaviour::kParallel && count > 0) {
      const int64_t chunks = y.dims[0];
      context.parallel->for_each(chunks, [&](int64_t chunk) {
        for (int64_t i = 0; i < count / chunks; ++i) {
          compute(context, chunk * (count / chunks) + i);
        }
      });
      return {};
    }
    const int64_t computed = behaviour_ == Behaviour::kLazy ? count - 1 : count;
    for (int64_t i = 0; i < computed; ++i) compute(context, i);
    if (behaviour_ == Behaviour::kWild) y.as<float>()[element_at(y, count - 1) + 1] = 7;
    if (behaviour_ == Behaviour::kReads) {
      const Tensor& x = context.inputs[0];
      y.as<float>()[element_at(y, count - 1)] += x.as<float>()[element_at(x, count - 1) + 1];
    }
    return {};
  }

 private:
  void compute(const RunContext& context, int64_t i) const {
    const auto at = [&](size_t input) {
      const Tensor& x = context.inputs[input];
      return x.as<float>()[element_at(x, i)];
    };
    const Tensor& out = context.outputs[0];
    float& y = out.as<float>()[element_at(out, i)];
    switch (behaviour_) {
      case Behaviour::kAdd:
        y = at(0) + at(1);
        return;
      case Behaviour::kRelu:
        y = std::max(at(0), 0.0f);
        return;
      case Behaviour::kScratch: {
        float* const scratch = static_cast<float*>(context.scratch) + i % 64;
        *scratch = at(0);
        y = *scratch;
        return;
      }
      case Behaviour::kStale:
        y = at(0) + *static_cast<const uint8_t*>(context.scratch);
        return;
      default:
        y = at(0);
    }
  }

  Behaviour behaviour_;
};

template <Behaviour kBehaviour>
Result<std::unique_ptr<Kernel>> create(const KernelRequest&) {
  return std::unique_ptr<Kernel>(new TestKernel(kBehaviour));
}

bool supports(const KernelRequest& request) {
  const size_t arity = op_kind(*request.op) == kOpKind<Binary> ? 2 : 1;
  if (request.inputs.size() != arity || request.outputs.size() != 1) return false;
  const Operand& y = request.outputs[0];
  return y.present && std::all_of(request.inputs.begin(), request.inputs.end(), [&](auto& x) {
           return x.present && x.dtype == DType::kF32 && y.dtype == DType::kF32 &&
                  x.dims == y.dims && x.layout != Layout::kPacked;
         });
}

bool in_place(const KernelRequest&, int, int) { return true; }

Result<KernelNeeds> needs_scratch(const KernelRequest&) {
  return KernelNeeds{.scratch_bytes = 256, .packed = {}};
}

constexpr OpKind kUnary = kOpKind<Unary>;
const KernelDef kKernels[] = {
    {"test.add", kOpKind<Binary>, supports, nullptr, nullptr, create<Behaviour::kAdd>, in_place},
    {"test.relu", kUnary, supports, nullptr, nullptr, create<Behaviour::kRelu>, in_place},
    {"test.copy", kUnary, supports, nullptr, nullptr, create<Behaviour::kCopy>, nullptr},
    {"test.scratch", kUnary, supports, needs_scratch, nullptr, create<Behaviour::kScratch>,
     nullptr},
    {"test.parallel", kUnary, supports, nullptr, nullptr, create<Behaviour::kParallel>, nullptr},
    {"test.wild", kUnary, supports, nullptr, nullptr, create<Behaviour::kWild>, nullptr},
    {"test.reads", kUnary, supports, nullptr, nullptr, create<Behaviour::kReads>, nullptr},
    {"test.lazy", kUnary, supports, nullptr, nullptr, create<Behaviour::kLazy>, nullptr},
    {"test.stale", kUnary, supports, nullptr, nullptr, create<Behaviour::kStale>, nullptr},
    {"test.fails", kUnary, supports, nullptr, nullptr, create<Behaviour::kFails>, nullptr},
};

}  // namespace

const KernelDef* test_kernel(std::string_view name) {
  for (const KernelDef& kernel : kKernels) {
    if (kernel.name == name) return &kernel;
  }
  return nullptr;
}

TestPlanBuilder::TestPlanBuilder() {
  plan.producer = "test";
  plan.model_name = "by hand";
  plan.options = {"planner=hand"};
  plan.certificate.method = "by hand";
}

uint32_t TestPlanBuilder::push(PlanValue value) {
  value.bytes = *extent_bytes(value.dtype, value.dims, value.strides);
  if (value.storage == Storage::kArena) {
    plan.arena_bytes = std::max(plan.arena_bytes, value.offset_bytes + value.bytes);
  }
  plan.values.push_back(std::move(value));
  return static_cast<uint32_t>(plan.values.size() - 1);
}

uint32_t TestPlanBuilder::arena(const std::string& name, const Dims& dims, int64_t offset,
                                Layout layout) {
  PlanValue value;
  value.name = name;
  value.layout = layout;
  value.dims = dims;
  value.strides = dense_strides(dims, layout);
  value.offset_bytes = offset;
  return push(value);
}

uint32_t TestPlanBuilder::caller(const std::string& name, const Dims& dims) {
  PlanValue value;
  value.name = name;
  value.dims = dims;
  value.strides = row_major_strides(dims);
  value.storage = Storage::kCaller;
  return push(value);
}

uint32_t TestPlanBuilder::constant(const std::string& name, const Dims& dims) {
  PlanValue value;
  value.name = name;
  value.dims = dims;
  value.strides = row_major_strides(dims);
  value.storage = Storage::kConstant;
  value.offset_bytes = (plan.constants_bytes + 63) / 64 * 64;
  const uint32_t index = push(value);
  plan.constants_bytes = value.offset_bytes + plan.values[index].bytes;
  return index;
}

std::pair<uint32_t, uint32_t> TestPlanBuilder::state(const std::string& name, const Dims& dims) {
  PlanValue value;
  value.dims = dims;
  value.strides = row_major_strides(dims);
  value.storage = Storage::kState;
  value.offset_bytes = (plan.state_bytes + 63) / 64 * 64;
  value.name = name;
  const uint32_t before = push(value);
  value.name = name + "'";
  const uint32_t after = push(value);
  plan.state_bytes = value.offset_bytes + plan.values[before].bytes;
  plan.states.push_back({.before = before, .after = after, .initial = std::nullopt});
  return {before, after};
}

uint32_t TestPlanBuilder::box(const std::string& name, uint32_t parent, const Dims& starts,
                              const Dims& dims) {
  PlanValue value = plan.values[parent];
  value.name = name;
  value.dims = dims;
  for (int i = 0; i < starts.rank(); ++i) {
    value.offset_bytes += starts[i] * value.strides[i] * dtype_bits(value.dtype) / 8;
  }
  value.alias = PlanAlias{parent, false, starts};
  return push(value);
}

uint32_t TestPlanBuilder::whole(const std::string& name, uint32_t parent, const Dims& dims) {
  PlanValue value = plan.values[parent];
  value.name = name;
  value.dims = dims;
  value.layout = Layout::kRowMajor;
  value.strides = row_major_strides(dims);
  value.alias = PlanAlias{parent, true, {}};
  return push(value);
}

PlanInstruction& TestPlanBuilder::unary(const std::string& kernel, uint32_t input,
                                        uint32_t output) {
  PlanInstruction instruction;
  instruction.op = Unary{{kernel == "test.relu" ? UnaryFn::kRelu : UnaryFn::kIdentity}};
  instruction.kernel = kernel;
  instruction.inputs = {input};
  instruction.outputs = {output};
  instruction.name = "node " + std::to_string(plan.instructions.size());
  plan.instructions.push_back(std::move(instruction));
  return plan.instructions.back();
}

PlanInstruction& TestPlanBuilder::add(uint32_t a, uint32_t b, uint32_t output) {
  PlanInstruction& instruction = unary("test.add", a, output);
  instruction.op = Binary{};
  instruction.inputs.push_back(b);
  return instruction;
}

Status counting_constants(const Plan&, uint32_t, std::span<std::byte> destination) {
  for (size_t i = 0; i + 4 <= destination.size(); i += 4) {
    const size_t position = i / 4;
    const auto number = static_cast<float>(position + 1);
    std::memcpy(destination.data() + i, &number, 4);
  }
  return {};
}

Plan small_plan() {
  TestPlanBuilder builder;
  const Dims dims{2, 3};
  const uint32_t x = builder.caller("x", dims), w = builder.constant("w", dims);
  const uint32_t a = builder.arena("a", dims, 0), b = builder.arena("b", dims, 0);
  const uint32_t c = builder.arena("c", dims, 64), y = builder.caller("y", dims);
  builder.add(x, w, a);
  builder.unary("test.relu", a, b);
  PlanInstruction& copy = builder.unary("test.scratch", b, c);
  copy.scratch_offset_bytes = 128;
  copy.scratch_bytes = 256;
  builder.add(c, x, y);
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  builder.plan.arena_bytes = 128 + 256;
  return builder.plan;
}

Plan concat_plan() {
  TestPlanBuilder builder;
  const Dims half{1, 2, 2, 2};
  const uint32_t x = builder.arena("x", half, 64, Layout::kChannelsLast);
  const uint32_t p = builder.arena("p", {1, 4, 2, 2}, 128, Layout::kChannelsLast);
  const uint32_t left = builder.box("left", p, {0, 0, 0, 0}, half);
  const uint32_t right = builder.box("right", p, {0, 2, 0, 0}, half);
  const uint32_t middle = builder.box("middle", p, {0, 1, 0, 0}, half);
  const uint32_t y = builder.arena("y", half, 0, Layout::kChannelsLast);
  builder.add(x, x, left);
  builder.unary("test.relu", x, right);
  builder.add(left, middle, y);
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  return builder.plan;
}

Plan state_plan() {
  TestPlanBuilder builder;
  const uint32_t x = builder.arena("x", {4}, 0), y = builder.arena("y", {4}, 64);
  const auto [h, next_h] = builder.state("h", {4});
  const auto [k, next_k] = builder.state("k", {4});
  builder.plan.states[0].initial = builder.constant("c", {4});
  const uint32_t sum = builder.arena("sum", {4}, 64);
  builder.add(h, x, sum);
  builder.unary("test.relu", sum, next_h);
  builder.add(next_h, k, y);
  builder.unary("test.copy", x, next_k);
  builder.plan.inputs = {x};
  builder.plan.outputs = {y};
  return builder.plan;
}

std::vector<std::byte> file_in_memory(std::span<const std::byte> metadata,
                                      std::span<const std::byte> constants) {
  PlanHeader header = plan_header_for(static_cast<int64_t>(metadata.size()),
                                      static_cast<int64_t>(constants.size()));
  header.metadata.digest = digest_of(metadata);
  header.constants.digest = digest_of(constants);
  std::vector<std::byte> file(static_cast<size_t>(header.file_bytes));
  const auto start = encode_plan_header(header);
  std::copy(start.begin(), start.end(), file.begin());
  std::copy(metadata.begin(), metadata.end(), file.begin() + header.metadata.offset);
  std::copy(constants.begin(), constants.end(), file.begin() + header.constants.offset);
  return file;
}

std::vector<std::byte> file_in_memory(std::span<const std::byte> metadata,
                                      int64_t constants_bytes) {
  return file_in_memory(metadata, std::vector<std::byte>(static_cast<size_t>(constants_bytes)));
}

std::string temporary_path(const std::string& name) {
  const testing::TestInfo* const test = testing::UnitTest::GetInstance()->current_test_info();
  std::string path = std::string("memopt_") + test->test_suite_name() + '_' + test->name();
  std::replace(path.begin(), path.end(), '/', '_');
  return testing::TempDir() + path + '_' + name;
}

std::string write_temporary(const Plan& plan, const std::string& name) {
  std::string path = temporary_path(name + ".plan");
  const Status status = write_plan(
      plan, [&](uint32_t value, auto bytes) { return counting_constants(plan, value, bytes); },
      path);
  EXPECT_TRUE(status.ok()) << status.error().message;
  return path;
}

}  // namespace memopt
