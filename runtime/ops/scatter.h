// Operators that write or add elements at places which indices or windows name.
#pragma once

#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/ops/fields.h"

namespace memopt {

// What becomes of the element that is there already.
enum class ScatterFn : uint8_t { kReplace, kAdd, kMul, kMax, kMin };
template <>
struct EnumNames<ScatterFn> {
  static constexpr std::string_view kNames[] = {"replace", "add", "mul", "max", "min"};
};

// ONNX ScatterElements: x, with updates[i] at the coordinates of i, of which that of `axis` is
// indices[i]. Updates are applied one after the other in row-major order. Inputs: x, indices (i32
// or i64; negative ones count from the end; checked in run()), updates.
struct ScatterElements {
  static constexpr std::string_view kName = "scatter_elements";
  int64_t axis = 0;
  ScatterFn fn = ScatterFn::kReplace;
  static constexpr auto fields() {
    return std::tuple{Field{"axis", &ScatterElements::axis}, Field{"fn", &ScatterElements::fn}};
  }
  bool operator==(const ScatterElements&) const = default;
};

// ONNX ScatterND: the last dimension of the indices holds the first coordinates of a slice of x.
// Inputs: x, indices (i64), updates.
struct ScatterND {
  static constexpr std::string_view kName = "scatter_nd";
  ScatterFn fn = ScatterFn::kReplace;
  static constexpr auto fields() { return std::tuple{Field{"fn", &ScatterND::fn}}; }
  bool operator==(const ScatterND&) const = default;
};

// ONNX Col2Im: every column of x (N, C product(block), positions of the window) is a window of n
// spatial dimensions in (N, C, image...); where windows overlap, they add up. Inputs: x.
struct ColToIm {
  static constexpr std::string_view kName = "col_to_im";
  std::vector<int64_t> image;      // n
  std::vector<int64_t> block;      // n, >= 1
  std::vector<int64_t> strides;    // n, >= 1
  std::vector<int64_t> dilations;  // n, >= 1
  std::vector<int64_t> pads;       // 2n, >= 0
  static constexpr auto fields() {
    return std::tuple{Field{"image", &ColToIm::image}, Field{"block", &ColToIm::block},
                      Field{"strides", &ColToIm::strides}, Field{"dilations", &ColToIm::dilations},
                      Field{"pads", &ColToIm::pads}};
  }
  bool operator==(const ColToIm&) const = default;
};

}  // namespace memopt
