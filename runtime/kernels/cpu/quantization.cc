// QuantizeLinear and DequantizeLinear between f32 and 8-bit integers, per tensor or per axis, by
// vector loops over rows: one scale for a row, or one per element of it (channels innermost).
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/cpu/quantize_loops.h"
#include "runtime/kernels/cpu/simd_kernel.h"
#include "runtime/kernels/strided.h"

namespace memopt::cpu {
namespace {

// Order of the operands in a walk: y, x, scale, zero point.
constexpr size_t kY = 0, kX = 1, kScale = 2, kZero = 3;

// Strides of a scale or zero point over the dimensions of x; a missing one stands still.
Dims parameter_strides(const Operand* parameter, int rank, int64_t axis) {
  Dims strides = Dims::filled(rank, 0);
  if (parameter != nullptr && parameter->present && parameter->dims.count() > 1) {
    strides[static_cast<int>(axis)] = parameter->strides[0];
  }
  return strides;
}

Walk<4> walk_of(const KernelRequest& request, int64_t axis) {
  const Operand& x = request.inputs[0];
  const Operand* zero = request.inputs.size() > 2 ? &request.inputs[2] : nullptr;
  const int rank = x.dims.rank();
  return Walk<4>(x.dims, {request.outputs[0].strides, x.strides,
                          parameter_strides(&request.inputs[1], rank, axis),
                          parameter_strides(zero, rank, axis)});
}

bool is_byte(DType type) { return type == DType::kU8 || type == DType::kI8; }

bool serves(const KernelRequest& request, int64_t axis, int64_t block_size) {
  const Operand& scale = request.inputs[1];
  if (scale.dtype != DType::kF32 || request.inputs[0].layout == Layout::kPacked ||
      request.outputs[0].layout == Layout::kPacked || scale.layout == Layout::kPacked) {
    return false;
  }
  if (block_size > 0 && scale.dims.count() > 1) return false;
  const Walk<4> walk = walk_of(request, axis);
  const auto& steps = walk.steps();
  if (walk.row() == 1) return true;
  const bool given = request.inputs.size() > 2 && request.inputs[2].present;
  return steps[kY] == 1 && steps[kX] == 1 && (steps[kScale] == 0 || steps[kScale] == 1) &&
         (!given || steps[kZero] == steps[kScale]);
}

bool supports_quantize(const KernelRequest& request) {
  const auto& op = std::get<QuantizeLinear>(*request.op);
  return request.inputs[0].dtype == DType::kF32 && is_byte(op.to) &&
         serves(request, op.axis, op.block_size);
}

bool supports_dequantize(const KernelRequest& request) {
  const auto& op = std::get<DequantizeLinear>(*request.op);
  return is_byte(request.inputs[0].dtype) && op.to == DType::kF32 &&
         serves(request, op.axis, op.block_size);
}

// Calls body(offsets, zero point pointer or null, whether scales advance, n).
template <typename T, typename F>
void for_each_row(const Walk<4>& walk, const RunContext& context, F&& body) {
  const T* const zero = context.inputs.size() > 2 ? context.inputs[2].as<const T>() : nullptr;
  const bool each = walk.steps()[kScale] != 0;
  walk.visit_all(context.parallel, [&](const auto& at, int64_t n) {
    body(at, zero != nullptr ? zero + at[kZero] : nullptr, each, n);
  });
}

template <typename T>
void quantize_rows(const Walk<4>& walk, const ByteLoops<T>& loops, const RunContext& context) {
  for_each_row<T>(walk, context, [&](const auto& at, const T* zero, bool each, int64_t n) {
    T* const y = context.outputs[0].as<T>() + at[kY];
    const float* const x = context.inputs[0].as<float>() + at[kX];
    const float* const scale = context.inputs[1].as<float>() + at[kScale];
    if (each) {
      loops.quantize_each(y, x, n, scale, zero);
    } else {
      loops.quantize(y, x, n, *scale, zero != nullptr ? *zero : T(0));
    }
  });
}

template <typename T>
void dequantize_rows(const Walk<4>& walk, const ByteLoops<T>& loops, const RunContext& context) {
  for_each_row<T>(walk, context, [&](const auto& at, const T* zero, bool each, int64_t n) {
    float* const y = context.outputs[0].as<float>() + at[kY];
    const T* const x = context.inputs[0].as<T>() + at[kX];
    const float* const scale = context.inputs[1].as<float>() + at[kScale];
    if (each) {
      loops.dequantize_each(y, x, n, scale, zero);
    } else {
      loops.dequantize(y, x, n, *scale, zero != nullptr ? *zero : T(0));
    }
  });
}

// S is QuantizeLinear or DequantizeLinear.
template <typename S>
class RowsKernel final : public Kernel {
 public:
  explicit RowsKernel(const KernelRequest& request)
      : loops_(quantize_loops(request.target.isa)),
        walk_(walk_of(request, std::get<S>(*request.op).axis)) {}
  static Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
    return std::unique_ptr<Kernel>(new RowsKernel(request));
  }
  Status run(const RunContext& context) override {
    if constexpr (std::is_same_v<S, QuantizeLinear>) {
      if (context.outputs[0].dtype == DType::kU8) {
        quantize_rows<uint8_t>(walk_, loops_.u8, context);
      } else {
        quantize_rows<int8_t>(walk_, loops_.i8, context);
      }
    } else {
      if (context.inputs[0].dtype == DType::kU8) {
        dequantize_rows<uint8_t>(walk_, loops_.u8, context);
      } else {
        dequantize_rows<int8_t>(walk_, loops_.i8, context);
      }
    }
    return {};
  }

 private:
  const QuantizeLoops& loops_;
  Walk<4> walk_;
};

}  // namespace

const KernelDef* quantize_linear() {
  static constexpr KernelDef kDef{.name = "quantize_linear.simd",
                                  .op = kOpKind<QuantizeLinear>,
                                  .supports = supports_quantize,
                                  .create = RowsKernel<QuantizeLinear>::create};
  return &kDef;
}

const KernelDef* dequantize_linear() {
  static constexpr KernelDef kDef{.name = "dequantize_linear.simd",
                                  .op = kOpKind<DequantizeLinear>,
                                  .supports = supports_dequantize,
                                  .create = RowsKernel<DequantizeLinear>::create};
  return &kDef;
}

}  // namespace memopt::cpu
