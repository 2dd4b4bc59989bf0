// Dimensions of a tensor: at most kMaxRank of them, stored inline so that shapes never allocate.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "runtime/base/check.h"

namespace memopt {

inline constexpr int kMaxRank = 8;
// No dimension is larger, so that products of a few of them can be checked in 64 bits.
inline constexpr int64_t kMaxDim = int64_t{1} << 40;

// A list of up to kMaxRank integers: dimensions, strides, coordinates, pads of one side.
class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<int64_t> dims) : Dims(std::span(dims.begin(), dims.size())) {}
  explicit Dims(std::span<const int64_t> dims) {
    MEMOPT_CHECK(dims.size() <= kMaxRank);
    for (const int64_t dim : dims) push_back(dim);
  }
  static Dims filled(int rank, int64_t value) {
    Dims dims;
    for (int i = 0; i < rank; ++i) dims.push_back(value);
    return dims;
  }

  int rank() const { return rank_; }
  int size() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  int64_t& operator[](int i) { return dims_[static_cast<size_t>(i)]; }
  int64_t operator[](int i) const { return dims_[static_cast<size_t>(i)]; }
  int64_t* begin() { return dims_.data(); }
  int64_t* end() { return dims_.data() + rank_; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  void push_back(int64_t dim) {
    MEMOPT_CHECK(rank_ < kMaxRank);
    dims_[static_cast<size_t>(rank_++)] = dim;
  }
  std::span<const int64_t> span() const { return {begin(), end()}; }
  bool operator==(const Dims& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

  // The product of the dimensions (1 for a scalar); the caller knows that it fits (see
  // checked_count).
  int64_t count() const {
    int64_t n = 1;
    for (const int64_t dim : *this) n *= dim;
    return n;
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

// The number of elements; nullopt if a dimension is negative or above kMaxDim, or the product
// overflows.
std::optional<int64_t> checked_count(const Dims& dims);

// "1x3x224x224"; "scalar" for rank 0.
std::string to_string(const Dims& dims);

// Row-major strides in elements.
Dims row_major_strides(const Dims& dims);

// Strides in elements of the channels-last order (N, spatial dimensions, C) of a tensor whose
// logical dimensions are (N, C, spatial...). Needs rank >= 3.
Dims channels_last_strides(const Dims& dims);

// NumPy/ONNX multidirectional broadcasting; nullopt where the shapes do not broadcast.
std::optional<Dims> broadcast(const Dims& a, const Dims& b);

}  // namespace memopt
