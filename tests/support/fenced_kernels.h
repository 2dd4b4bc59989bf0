// The kernels of this build with a fence: while one runs, AddressSanitizer sees every access to the
// arena or the constants outside of its operands and scratch. Without that sanitizer they are what
// they are.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "runtime/kernels/kernel.h"

namespace memopt {

// Memory that kernels may only touch through their operands, while this lives. One at a time, on
// one thread.
class FencedMemory {
 public:
  FencedMemory(std::span<const std::byte> arena, std::span<const std::byte> constants);
  FencedMemory(const FencedMemory&) = delete;
  FencedMemory& operator=(const FencedMemory&) = delete;
  ~FencedMemory();
};

// A KernelLookup: find_kernel() with a fence around run().
const KernelDef* fenced_kernel(std::string_view name);

}  // namespace memopt
