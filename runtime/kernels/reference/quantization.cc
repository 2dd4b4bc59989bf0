// QuantizeLinear, its inverse, and DynamicQuantizeLinear. The common types have loops of their own;
// the others go through double one element at a time.
#include <algorithm>
#include <cmath>

#include "runtime/kernels/reference/cast.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt {
namespace {

// A row of n elements that share one way of finding their scale and zero point; offsets and steps
// are in elements. Order: y, x, scale, zero point.
using Row = Walk<4>::Offsets;

struct Grain {
  int64_t axis = 0;
  int64_t block_size = 0;  // 0: per tensor or per axis
};

Dims parameter_strides(const Tensor& parameter, const Tensor& x, const Grain& grain) {
  if (parameter.data == nullptr || parameter.count() == 1) return Dims::filled(x.rank(), 0);
  if (grain.block_size > 0) return parameter.strides;
  Dims strides = Dims::filled(x.rank(), 0);
  strides[static_cast<int>(grain.axis)] = parameter.strides[0];
  return strides;
}

// Calls body(offsets, steps, n) for rows that cover all elements.
template <typename F>
void for_each_row(const RunContext& context, const Grain& grain, F&& body) {
  const Tensor& x = context.inputs[0];
  const Tensor& scale = context.inputs[1];
  const Tensor zero = context.inputs.size() > 2 ? context.inputs[2] : Tensor{};
  const Tensor& y = context.outputs[0];
  const bool blocked = grain.block_size > 0 && scale.count() > 1;
  Dims scale_strides = parameter_strides(scale, x, grain);
  Dims zero_strides = parameter_strides(zero, x, grain);
  const int axis = static_cast<int>(grain.axis);
  // One piece for all, or one for every position along the blocked axis.
  const int64_t extent = blocked ? x.dims[axis] : 1;
  const int64_t block = blocked ? grain.block_size : 1;
  const int64_t scale_step = blocked ? scale_strides[axis] : 0;
  const int64_t zero_step = blocked ? zero_strides[axis] : 0;
  if (blocked) scale_strides[axis] = zero_strides[axis] = 0;
  const bool packed = dtype_bits(x.dtype) < 8 || dtype_bits(y.dtype) < 8;
  for (int64_t begin = 0, index = 0; begin < extent; begin += block, ++index) {
    Dims dims = x.dims;
    if (blocked) dims[axis] = std::min(block, extent - begin);
    const Walk<4> walk(dims, {y.strides, x.strides, scale_strides, zero_strides});
    const Row first = blocked ? Row{begin * y.strides[axis], begin * x.strides[axis],
                                    index * scale_step, index * zero_step}
                              : Row{};
    walk.visit_all(packed ? nullptr : context.parallel, [&](Row at, int64_t n) {
      for (size_t i = 0; i < 4; ++i) at[i] += first[i];
      body(at, walk.steps(), n);
    });
  }
}

// ---- quantize ----

template <typename T>
T saturate(float rounded, T zero) {
  constexpr auto kLow = static_cast<float>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<float>(std::numeric_limits<T>::max());
  // Both terms and their sum are exact in double; NaN becomes the zero point of 0.
  const double value = static_cast<double>(rounded) + zero;
  return convert<T>(std::clamp<double>(value, kLow, kHigh));
}

template <typename T>
void quantize_f32(const QuantizeLinear& op, const RunContext& context) {
  const float* const x = context.inputs[0].as<float>();
  const float* const scale = context.inputs[1].as<float>();
  const T* const zero = context.inputs.size() > 2 ? context.inputs[2].as<T>() : nullptr;
  T* const y = context.outputs[0].as<T>();
  for_each_row(context, {op.axis, op.block_size}, [&](const Row& at, const Row& step, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const float quotient = x[at[1] + i * step[1]] / scale[at[2] + i * step[2]];
      const T z = zero != nullptr ? zero[at[3] + i * step[3]] : T(0);
      y[at[0] + i * step[0]] = saturate<T>(std::nearbyint(quotient), z);
    }
  });
}

// The quotient in the precision of the scale's type.
double divide(DType precision, double x, double scale) {
  if (precision == DType::kF64) return x / scale;
  const float quotient = static_cast<float>(x) / static_cast<float>(scale);
  if (precision == DType::kF16) return f16_to_f32(f32_to_f16(quotient));
  if (precision == DType::kBF16) return bf16_to_f32(f32_to_bf16(quotient));
  return quotient;
}

void store_quantized(const QuantizeLinear& op, void* data, int64_t index, double quotient,
                     double zero) {
  if (is_float(op.to)) {
    store_double({.to = op.to, .saturate = op.saturate}, data, index, quotient + zero);
    return;
  }
  const int bits = dtype_bits(op.to);
  const double low = is_signed_integer(op.to) ? -std::ldexp(1.0, bits - 1) : 0;
  const double high = low + std::ldexp(1.0, bits) - 1;
  const double value = std::clamp(std::nearbyint(quotient) + zero, low, high);
  store_bits(op.to, data, index, static_cast<uint64_t>(convert<int64_t>(value)));
}

void quantize_any(const QuantizeLinear& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& scale = context.inputs[1];
  const void* const zero = context.inputs.size() > 2 ? context.inputs[2].data : nullptr;
  for_each_row(context, {op.axis, op.block_size}, [&](const Row& at, const Row& step, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const double quotient = divide(scale.dtype, load_double(x.dtype, x.data, at[1] + i * step[1]),
                                     load_double(scale.dtype, scale.data, at[2] + i * step[2]));
      const double z = zero != nullptr ? load_double(op.to, zero, at[3] + i * step[3]) : 0;
      store_quantized(op, context.outputs[0].data, at[0] + i * step[0], quotient, z);
    }
  });
}

Status run_quantize(const QuantizeLinear& op, const RunContext& context) {
  const bool f32 = context.inputs[0].dtype == DType::kF32 && context.inputs[1].dtype == DType::kF32;
  if (f32 && op.to == DType::kU8) {
    quantize_f32<uint8_t>(op, context);
  } else if (f32 && op.to == DType::kI8) {
    quantize_f32<int8_t>(op, context);
  } else {
    quantize_any(op, context);
  }
  return {};
}

// ---- dequantize ----

template <typename T>
void dequantize_f32(const DequantizeLinear& op, const RunContext& context) {
  const T* const x = context.inputs[0].as<T>();
  const float* const scale = context.inputs[1].as<float>();
  const T* const zero = context.inputs.size() > 2 ? context.inputs[2].as<T>() : nullptr;
  float* const y = context.outputs[0].as<float>();
  for_each_row(context, {op.axis, op.block_size}, [&](const Row& at, const Row& step, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const T z = zero != nullptr ? zero[at[3] + i * step[3]] : T(0);
      const float difference = static_cast<float>(static_cast<int64_t>(x[at[1] + i * step[1]]) -
                                                  static_cast<int64_t>(z));
      y[at[0] + i * step[0]] = difference * scale[at[2] + i * step[2]];
    }
  });
}

void dequantize_any(const DequantizeLinear& op, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& scale = context.inputs[1];
  const void* const zero = context.inputs.size() > 2 ? context.inputs[2].data : nullptr;
  for_each_row(context, {op.axis, op.block_size}, [&](const Row& at, const Row& step, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const double z = zero != nullptr ? load_double(x.dtype, zero, at[3] + i * step[3]) : 0;
      const double s = load_double(scale.dtype, scale.data, at[2] + i * step[2]);
      const double difference = load_double(x.dtype, x.data, at[1] + i * step[1]) - z;
      // f32 arithmetic, as the definition has it, unless the scale is wider.
      const double value = scale.dtype == DType::kF64
                               ? difference * s
                               : static_cast<float>(difference) * static_cast<float>(s);
      store_double({.to = op.to}, context.outputs[0].data, at[0] + i * step[0], value);
    }
  });
}

Status run_dequantize(const DequantizeLinear& op, const RunContext& context) {
  const bool f32 = context.inputs[1].dtype == DType::kF32 && op.to == DType::kF32;
  const DType from = context.inputs[0].dtype;
  if (f32 && from == DType::kU8) {
    dequantize_f32<uint8_t>(op, context);
  } else if (f32 && from == DType::kI8) {
    dequantize_f32<int8_t>(op, context);
  } else if (f32 && from == DType::kI32) {
    dequantize_f32<int32_t>(op, context);
  } else {
    dequantize_any(op, context);
  }
  return {};
}

// ---- dynamic ----

Status run_dynamic(const DynamicQuantizeLinear&, const RunContext& context) {
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  float low = 0;
  float high = 0;
  const Walk<1> reading(x.dims, {x.strides});
  reading.visit(0, reading.count(), [&](const auto& at, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const float value = x.as<float>()[at[0] + i * reading.steps()[0]];
      low = std::min(low, value);
      high = std::max(high, value);
    }
  });
  const float scale = (high == low ? 1.0f : high - low) / 255.0f;
  const float zero = std::nearbyint(std::clamp(-low / scale, 0.0f, 255.0f));
  if (y.data != nullptr) {
    const auto z = convert<uint8_t>(zero);
    const Walk<2> walk(y.dims, {y.strides, x.strides});
    const auto& step = walk.steps();
    walk.visit_all(context.parallel, [&](const auto& at, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        const float quotient = x.as<float>()[at[1] + i * step[1]] / scale;
        y.as<uint8_t>()[at[0] + i * step[0]] = saturate<uint8_t>(std::nearbyint(quotient), z);
      }
    });
  }
  if (context.outputs.size() > 1 && context.outputs[1].data != nullptr) {
    *context.outputs[1].as<float>() = scale;
  }
  if (context.outputs.size() > 2 && context.outputs[2].data != nullptr) {
    *context.outputs[2].as<uint8_t>() = convert<uint8_t>(zero);
  }
  return {};
}

// Scales and zero points are read throughout, so only x may be overwritten.
bool first_input_only(const KernelRequest& request, int input, int output) {
  return input == 0 && same_elements(request, input, output);
}

}  // namespace

const KernelDef* QuantizeLinear_reference() {
  static constexpr KernelDef kDef = reference_def<QuantizeLinear, run_quantize>(first_input_only);
  return &kDef;
}

const KernelDef* DequantizeLinear_reference() {
  static constexpr KernelDef kDef =
      reference_def<DequantizeLinear, run_dequantize>(first_input_only);
  return &kDef;
}

const KernelDef* DynamicQuantizeLinear_reference() {
  static constexpr KernelDef kDef = reference_def<DynamicQuantizeLinear, run_dynamic>();
  return &kDef;
}

}  // namespace memopt
