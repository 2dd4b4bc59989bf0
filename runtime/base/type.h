// The type of a tensor: element type, logical shape and layout. Shapes are static: a model with
// symbolic dimensions is compiled for given ones (docs/decisions.md).
#pragma once

#include <optional>
#include <string>

#include "runtime/base/dtype.h"
#include "runtime/base/shape.h"
#include "runtime/base/tensor.h"

namespace memopt {

struct TensorType {
  DType dtype = DType::kF32;
  Dims dims;
  Layout layout = Layout::kRowMajor;

  bool operator==(const TensorType&) const = default;
  // Elements and bytes of the dense tensor. Types are checked where they are made (check_type), so
  // these cannot overflow. Not meaningful for kPacked, whose bytes the constant itself knows.
  int64_t count() const { return dims.count(); }
  int64_t bytes() const { return *dtype_bytes(dtype, dims.count()); }
};

// True if every dimension is in [0, kMaxDim] and the bytes of the tensor fit in 46 bits.
bool is_valid_type(const TensorType& type);

// "f32[1x3x224x224]", with "@nhwc" or "@packed" behind where the layout is not row-major.
std::string to_string(const TensorType& type);

std::string_view layout_name(Layout layout);  // "row_major", "nhwc", "packed"
std::optional<Layout> parse_layout(std::string_view name);

}  // namespace memopt
