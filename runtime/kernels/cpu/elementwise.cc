// Unary, binary and clip on f32 by vector loops over rows: operands may be slices of wider tensors,
// as long as they are contiguous (or repeat one element) in the dimension that is innermost in the
// output's memory.
#include <algorithm>

#include "runtime/kernels/cpu/elementwise_loops.h"
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt::cpu {
namespace {

// A second function over the same elements runs in pieces that are still in the first cache.
constexpr int64_t kBlock = 1024;

// ---- unary ----

Walk<2> unary_walk(const KernelRequest& request) {
  const Operand& y = request.outputs[0];
  return Walk<2>(y.dims, {y.strides, request.inputs[0].strides});
}

bool has_unary_rows(const KernelRequest& request) {
  if (!is_plain_f32(request.inputs[0]) || !is_plain_f32(request.outputs[0])) return false;
  const Walk<2> walk = unary_walk(request);
  return walk.row() == 1 || (walk.steps()[0] == 1 && walk.steps()[1] == 1);
}

void run_rows(const Walk<2>& walk, UnaryLoop loop, float alpha, float beta,
              const RunContext& context) {
  const float* const x = context.inputs[0].as<float>();
  float* const y = context.outputs[0].as<float>();
  walk.visit_all(context.parallel,
                 [&](const auto& at, int64_t n) { loop(y + at[0], x + at[1], n, alpha, beta); });
}

UnaryLoop unary_loop(const Activation& fn, const Target& target) {
  return elementwise_loops(target.isa).unary[static_cast<size_t>(fn.fn)];
}

class UnaryKernel final : public Kernel {
 public:
  explicit UnaryKernel(const KernelRequest& request)
      : fn_(std::get<Unary>(*request.op).fn),
        loop_(unary_loop(fn_, request.target)),
        walk_(unary_walk(request)) {}
  Status run(const RunContext& context) override {
    run_rows(walk_, loop_, static_cast<float>(fn_.alpha), static_cast<float>(fn_.beta), context);
    return {};
  }

 private:
  Activation fn_;
  UnaryLoop loop_;
  Walk<2> walk_;
};

bool supports_unary(const KernelRequest& request) {
  return has_unary_rows(request) &&
         unary_loop(std::get<Unary>(*request.op).fn, request.target) != nullptr;
}

class ClipKernel final : public Kernel {
 public:
  explicit ClipKernel(const KernelRequest& request)
      : loop_(unary_loop({.fn = UnaryFn::kClip}, request.target)), walk_(unary_walk(request)) {}
  Status run(const RunContext& context) override {
    const auto bound = [&](size_t i, float otherwise) {
      const bool given = i < context.inputs.size() && context.inputs[i].data != nullptr;
      return given ? *context.inputs[i].as<float>() : otherwise;
    };
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    run_rows(walk_, loop_, bound(1, -kInfinity), bound(2, kInfinity), context);
    return {};
  }

 private:
  UnaryLoop loop_;
  Walk<2> walk_;
};

// ---- binary ----

Walk<3> binary_walk(const KernelRequest& request) {
  const Operand& a = request.inputs[0];
  const Operand& b = request.inputs[1];
  const Operand& y = request.outputs[0];
  return Walk<3>(y.dims, {y.strides, broadcast_strides(a.dims, a.strides, y.dims),
                          broadcast_strides(b.dims, b.strides, y.dims)});
}

// The loop for the way in which the operands advance; null where there is none.
BinaryLoop binary_loop(const KernelRequest& request, const Walk<3>& walk) {
  const auto fn = static_cast<size_t>(std::get<Binary>(*request.op).fn);
  const BinaryLoops& loops = elementwise_loops(request.target.isa).binary[fn];
  const auto [dy, da, db] = walk.steps();
  if (walk.row() == 1 || (dy == 1 && da == 1 && db == 1)) return loops.both;
  if (dy == 1 && da == 1 && db == 0) return loops.scalar_b;
  if (dy == 1 && da == 0 && db == 1) return loops.scalar_a;
  return nullptr;
}

class BinaryKernel final : public Kernel {
 public:
  explicit BinaryKernel(const KernelRequest& request)
      : activation_(std::get<Binary>(*request.op).activation),
        walk_(binary_walk(request)),
        loop_(binary_loop(request, walk_)),
        activation_loop_(unary_loop(activation_, request.target)) {}

  Status run(const RunContext& context) override {
    const float* const a = context.inputs[0].as<float>();
    const float* const b = context.inputs[1].as<float>();
    float* const y = context.outputs[0].as<float>();
    const auto [dy, da, db] = walk_.steps();
    walk_.visit_all(context.parallel, [&, da = da, db = db](const auto& at, int64_t n) {
      const int64_t step = activation_loop_ == nullptr ? n : kBlock;
      for (int64_t i = 0; i < n; i += step) {
        const int64_t count = std::min(step, n - i);
        float* const to = y + at[0] + i;
        loop_(to, a + at[1] + i * da, b + at[2] + i * db, count);
        if (activation_loop_ != nullptr) {
          activation_loop_(to, to, count, static_cast<float>(activation_.alpha),
                           static_cast<float>(activation_.beta));
        }
      }
    });
    return {};
  }

 private:
  Activation activation_;
  Walk<3> walk_;
  BinaryLoop loop_;
  UnaryLoop activation_loop_;  // null for the identity
};

bool supports_binary(const KernelRequest& request) {
  if (!is_plain_f32(request.inputs[0]) || !is_plain_f32(request.inputs[1]) ||
      !is_plain_f32(request.outputs[0])) {
    return false;
  }
  const Activation& activation = std::get<Binary>(*request.op).activation;
  if (activation.fn != UnaryFn::kIdentity && unary_loop(activation, request.target) == nullptr) {
    return false;
  }
  return binary_loop(request, binary_walk(request)) != nullptr;
}

template <typename K>
Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
  return std::unique_ptr<Kernel>(new K(request));
}

}  // namespace

const KernelDef* unary() {
  static constexpr KernelDef kDef{.name = "unary.simd",
                                  .op = kOpKind<Unary>,
                                  .supports = supports_unary,
                                  .create = create<UnaryKernel>,
                                  .in_place = same_elements};
  return &kDef;
}

const KernelDef* clip() {
  static constexpr KernelDef kDef{.name = "clip.simd",
                                  .op = kOpKind<Clip>,
                                  .supports = has_unary_rows,
                                  .create = create<ClipKernel>,
                                  .in_place = same_elements};
  return &kDef;
}

const KernelDef* binary() {
  static constexpr KernelDef kDef{.name = "binary.simd",
                                  .op = kOpKind<Binary>,
                                  .supports = supports_binary,
                                  .create = create<BinaryKernel>,
                                  .in_place = same_elements};
  return &kDef;
}

}  // namespace memopt::cpu
