// A typed view of memory that somebody else owns: what kernels read and write.
#pragma once

#include <cstdint>
#include <limits>

#include "runtime/base/dtype.h"
#include "runtime/base/shape.h"

namespace memopt {

// How the elements of a tensor lie in memory. Dimensions are always the logical ones of ONNX.
enum class Layout : uint8_t {
  kRowMajor,      // last dimension contiguous
  kChannelsLast,  // (N, C, spatial...) stored as N, spatial..., C; rank >= 3
  kPacked,  // opaque: the private order of the kernel that reads it (weights packed at compile
            // time)
};

struct Tensor {
  DType dtype = DType::kF32;
  Layout layout = Layout::kRowMajor;
  Dims dims;
  Dims strides;  // in elements; not dense where the tensor is a slice of a larger one
  void* data = nullptr;

  int rank() const { return dims.rank(); }
  int64_t count() const { return dims.count(); }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

// Strides in elements of a dense tensor in `layout` (row-major strides for kPacked, where they mean
// nothing).
inline Dims dense_strides(const Dims& dims, Layout layout) {
  return layout == Layout::kChannelsLast ? channels_last_strides(dims) : row_major_strides(dims);
}

// True where the elements fill one contiguous block in the order of `layout`; dimensions of extent
// 1 are free to have any stride.
inline bool is_dense(const Dims& dims, const Dims& strides, Layout layout) {
  const Dims dense = dense_strides(dims, layout);
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] > 1 && strides[i] != dense[i]) return false;
  }
  return true;
}

// True where strides grow from the innermost dimension of the layout to the outermost, dimensions
// of extent 1 left out: the order in memory that kernels may rely on. Every value of a plan is
// stored so.
inline bool follows_layout(const Dims& dims, const Dims& strides, Layout layout) {
  const bool channels_last = layout == Layout::kChannelsLast;
  Dims order;  // dimensions, outermost first
  for (int i = 0; i < dims.rank(); ++i) {
    if (!channels_last || i != 1) order.push_back(i);
  }
  if (channels_last) order.push_back(1);
  int64_t outer = std::numeric_limits<int64_t>::max();
  for (const int64_t axis : order) {
    const int i = static_cast<int>(axis);
    if (dims[i] <= 1) continue;
    if (strides[i] >= outer) return false;
    outer = strides[i];
  }
  return true;
}

// True where a dense tensor of these dimensions has its elements at the same places in both layouts
// (channels or all spatial dimensions of extent 1, say), so that a value in one is as good as one
// in the other.
inline bool same_memory(const Dims& dims, Layout a, Layout b) {
  if (a == b) return true;
  if (a == Layout::kPacked || b == Layout::kPacked || dims.rank() < 3) return false;
  return is_dense(dims, dense_strides(dims, a), b);
}

}  // namespace memopt
