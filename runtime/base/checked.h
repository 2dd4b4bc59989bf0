// Checked 64-bit arithmetic for sizes that come from files.
#pragma once

#include <cstdint>
#include <optional>

namespace memopt {

inline std::optional<int64_t> checked_add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
  return r;
}

inline std::optional<int64_t> checked_sub(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_sub_overflow(a, b, &r)) return std::nullopt;
  return r;
}

inline std::optional<int64_t> checked_mul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
  return r;
}

inline bool is_power_of_two(int64_t value) { return value > 0 && (value & (value - 1)) == 0; }

// The smallest multiple of `alignment` (a positive number) that is >= value (>= 0).
inline std::optional<int64_t> checked_align_up(int64_t value, int64_t alignment) {
  const int64_t remainder = value % alignment;
  return remainder == 0 ? std::optional<int64_t>(value) : checked_add(value, alignment - remainder);
}

// The same for sizes that memopt made itself and knows to be far from the limits.
inline int64_t align_up(int64_t value, int64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace memopt
