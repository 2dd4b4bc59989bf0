// Pooling, normalization and reductions.
#pragma once

#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/ops/fields.h"

namespace memopt {

enum class PoolFn : uint8_t { kMax, kAverage, kLp };
template <>
struct EnumNames<PoolFn> {
  static constexpr std::string_view kNames[] = {"max", "average", "lp"};
};

// Pooling over n spatial dimensions of x (N, C, spatial...). Outputs: y, and for kMax optionally
// the i64 flat indices of the maxima (ONNX MaxPool's second output). Global pooling is Reduce.
struct Pool {
  static constexpr std::string_view kName = "pool";
  PoolFn fn = PoolFn::kMax;
  std::vector<int64_t> kernel;     // n, >= 1
  std::vector<int64_t> strides;    // n, >= 1
  std::vector<int64_t> dilations;  // n, >= 1
  std::vector<int64_t> pads;       // 2n, >= 0
  bool ceil_mode = false;
  bool count_include_pad = false;  // average
  int64_t p = 2;                   // lp
  bool column_major_indices = false;
  static constexpr auto fields() {
    return std::tuple{Field{"fn", &Pool::fn},
                      Field{"kernel", &Pool::kernel},
                      Field{"strides", &Pool::strides},
                      Field{"dilations", &Pool::dilations},
                      Field{"pads", &Pool::pads},
                      Field{"ceil_mode", &Pool::ceil_mode},
                      Field{"count_include_pad", &Pool::count_include_pad},
                      Field{"p", &Pool::p},
                      Field{"column_major_indices", &Pool::column_major_indices}};
  }
  bool operator==(const Pool&) const = default;
};

// ONNX MaxUnpool with a static output shape. Inputs: x, indices (i64, flat, into a tensor of
// `unpooled_dims`: the shape that the kernel, strides and pads imply). The values land in the
// top-left of `dims`.
struct MaxUnpool {
  static constexpr std::string_view kName = "max_unpool";
  std::vector<int64_t> unpooled_dims;
  std::vector<int64_t> dims;
  static constexpr auto fields() {
    return std::tuple{Field{"unpooled_dims", &MaxUnpool::unpooled_dims},
                      Field{"dims", &MaxUnpool::dims}};
  }
  bool operator==(const MaxUnpool&) const = default;
};

// y = scale (x - mean) / sqrt(var + epsilon) + bias per channel. Inputs: x, scale, bias, mean, var.
struct BatchNorm {
  static constexpr std::string_view kName = "batch_norm";
  double epsilon = 1e-5;
  static constexpr auto fields() { return std::tuple{Field{"epsilon", &BatchNorm::epsilon}}; }
  bool operator==(const BatchNorm&) const = default;
};

// Normalizes every (n, c) plane. Inputs: x, scale, bias.
struct InstanceNorm {
  static constexpr std::string_view kName = "instance_norm";
  double epsilon = 1e-5;
  static constexpr auto fields() { return std::tuple{Field{"epsilon", &InstanceNorm::epsilon}}; }
  bool operator==(const InstanceNorm&) const = default;
};

// Local response normalization across channels (ONNX LRN). Inputs: x.
struct Lrn {
  static constexpr std::string_view kName = "lrn";
  int64_t window = 1;
  double alpha = 1e-4;
  double beta = 0.75;
  double bias = 1;
  static constexpr auto fields() {
    return std::tuple{Field{"window", &Lrn::window}, Field{"alpha", &Lrn::alpha},
                      Field{"beta", &Lrn::beta}, Field{"bias", &Lrn::bias}};
  }
  bool operator==(const Lrn&) const = default;
};

// Normalizes over the dimensions [axis, rank), axis >= 0. Inputs: x, scale, bias?. Outputs: y,
// mean?, inverse standard deviation? (f32, 1 in the normalized dimensions).
struct LayerNorm {
  static constexpr std::string_view kName = "layer_norm";
  int64_t axis = 0;
  double epsilon = 1e-5;
  static constexpr auto fields() {
    return std::tuple{Field{"axis", &LayerNorm::axis}, Field{"epsilon", &LayerNorm::epsilon}};
  }
  bool operator==(const LayerNorm&) const = default;
};

enum class SoftmaxFn : uint8_t { kSoftmax, kLogSoftmax, kHardmax };
template <>
struct EnumNames<SoftmaxFn> {
  static constexpr std::string_view kNames[] = {"softmax", "log_softmax", "hardmax"};
};

// Along one dimension, axis >= 0. (The flattening of opsets below 13 is Reshape around it.) Inputs:
// x.
struct Softmax {
  static constexpr std::string_view kName = "softmax";
  SoftmaxFn fn = SoftmaxFn::kSoftmax;
  int64_t axis = 0;
  static constexpr auto fields() {
    return std::tuple{Field{"fn", &Softmax::fn}, Field{"axis", &Softmax::axis}};
  }
  bool operator==(const Softmax&) const = default;
};

enum class ReduceFn : uint8_t {
  kSum,
  kMean,
  kMax,
  kMin,
  kProd,
  kL1,
  kL2,
  kLogSum,
  kLogSumExp,
  kSumSquare,
};
template <>
struct EnumNames<ReduceFn> {
  static constexpr std::string_view kNames[] = {
      "sum", "mean", "max", "min", "prod", "l1", "l2", "log_sum", "log_sum_exp", "sum_square"};
};

// Reduces `axes` (each in [0, rank), ascending; empty: nothing is reduced). Inputs: x.
struct Reduce {
  static constexpr std::string_view kName = "reduce";
  ReduceFn fn = ReduceFn::kSum;
  std::vector<int64_t> axes;
  bool keep_dims = true;
  static constexpr auto fields() {
    return std::tuple{Field{"fn", &Reduce::fn}, Field{"axes", &Reduce::axes},
                      Field{"keep_dims", &Reduce::keep_dims}};
  }
  bool operator==(const Reduce&) const = default;
};

enum class ArgReduceFn : uint8_t { kMax, kMin };
template <>
struct EnumNames<ArgReduceFn> {
  static constexpr std::string_view kNames[] = {"max", "min"};
};

// The i64 index of the extreme element along axis >= 0. Inputs: x.
struct ArgReduce {
  static constexpr std::string_view kName = "arg_reduce";
  ArgReduceFn fn = ArgReduceFn::kMax;
  int64_t axis = 0;
  bool keep_dims = true;
  bool select_last = false;
  static constexpr auto fields() {
    return std::tuple{Field{"fn", &ArgReduce::fn}, Field{"axis", &ArgReduce::axis},
                      Field{"keep_dims", &ArgReduce::keep_dims},
                      Field{"select_last", &ArgReduce::select_last}};
  }
  bool operator==(const ArgReduce&) const = default;
};

// The k largest (smallest) along axis >= 0; ties go to the lower index. Inputs: x. Outputs: values,
// i64 indices.
struct TopK {
  static constexpr std::string_view kName = "top_k";
  int64_t k = 1;
  int64_t axis = 0;
  bool largest = true;
  bool sorted = true;
  static constexpr auto fields() {
    return std::tuple{Field{"k", &TopK::k}, Field{"axis", &TopK::axis},
                      Field{"largest", &TopK::largest}, Field{"sorted", &TopK::sorted}};
  }
  bool operator==(const TopK&) const = default;
};

enum class CumulateFn : uint8_t { kSum, kProd };
template <>
struct EnumNames<CumulateFn> {
  static constexpr std::string_view kNames[] = {"sum", "prod"};
};

// The sum (product) of all elements up to this one along axis >= 0 (ONNX CumSum, CumProd), of those
// before it where exclusive; in reverse, up to means from the end. Inputs: x.
struct Cumulate {
  static constexpr std::string_view kName = "cumulate";
  CumulateFn fn = CumulateFn::kSum;
  int64_t axis = 0;
  bool exclusive = false;
  bool reverse = false;
  static constexpr auto fields() {
    return std::tuple{Field{"fn", &Cumulate::fn}, Field{"axis", &Cumulate::axis},
                      Field{"exclusive", &Cumulate::exclusive},
                      Field{"reverse", &Cumulate::reverse}};
  }
  bool operator==(const Cumulate&) const = default;
};

}  // namespace memopt
