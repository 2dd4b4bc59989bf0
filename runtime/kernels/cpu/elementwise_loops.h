// Loops over contiguous floats for element-wise operators and for resizing.
#pragma once

#include <cstdint>

#include "runtime/kernels/cpu/simd_dispatch.h"
#include "runtime/ops/elementwise.h"

namespace memopt {

// n elements, one after the other. An output may lie exactly on an input, else they do not overlap.
using UnaryLoop = void (*)(float* y, const float* x, int64_t n, float alpha, float beta);
using BinaryLoop = void (*)(float* y, const float* a, const float* b, int64_t n);
// By which operands advance: both, or only a (b repeats its one element), or only b.
struct BinaryLoops {
  BinaryLoop both = nullptr;
  BinaryLoop scalar_b = nullptr;
  BinaryLoop scalar_a = nullptr;
};
// y = the sum over the taps of weights[tap] * x[tap][i].
using WeighLoop = void (*)(float* y, const float* const* x, const float* weights, int64_t taps,
                           int64_t n);

struct ElementwiseLoops {
  static constexpr int kUnaryFns = 64;
  static constexpr int kBinaryFns = 32;
  UnaryLoop unary[kUnaryFns] = {};      // by UnaryFn; null: there is no loop
  BinaryLoops binary[kBinaryFns] = {};  // by BinaryFn; null members: there is none
  WeighLoop weigh = nullptr;
};

MEMOPT_SIMD_FAMILY(ElementwiseLoops, elementwise_loops)

}  // namespace memopt
