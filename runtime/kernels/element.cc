#include "runtime/kernels/element.h"

#include <cstring>

#include "runtime/base/check.h"

namespace memopt {
namespace {

template <typename T>
T at(const void* data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(data) + index * int64_t{sizeof(T)}, sizeof(T));
  return value;
}

// Bits [0, bits) of `value` as a two's complement number.
int64_t sign_extend(uint64_t value, int bits) {
  const uint64_t sign = uint64_t{1} << (bits - 1);
  return static_cast<int64_t>((value ^ sign) - sign);
}

}  // namespace

uint64_t load_bits(DType type, const void* data, int64_t index) {
  switch (const int bits = dtype_bits(type); bits) {
    case 8:
      return at<uint8_t>(data, index);
    case 16:
      return at<uint16_t>(data, index);
    case 32:
      return at<uint32_t>(data, index);
    case 64:
      return at<uint64_t>(data, index);
    default: {
      MEMOPT_CHECK(bits < 8);
      const int64_t bit = index * bits;
      return (at<uint8_t>(data, bit / 8) >> (bit % 8)) & ((1u << bits) - 1);
    }
  }
}

void store_bits(DType type, void* data, int64_t index, uint64_t value) {
  const int bits = dtype_bits(type);
  auto* const bytes = static_cast<uint8_t*>(data);
  if (bits >= 8) {
    MEMOPT_CHECK(bits <= 64);
    std::memcpy(bytes + index * (bits / 8), &value, static_cast<size_t>(bits / 8));
    return;
  }
  const int64_t bit = index * bits;
  const unsigned shift = static_cast<unsigned>(bit % 8);
  const unsigned mask = ((1u << bits) - 1) << shift;
  uint8_t& byte = bytes[bit / 8];
  byte = static_cast<uint8_t>((byte & ~mask) | ((static_cast<unsigned>(value) << shift) & mask));
}

int64_t load_int(DType type, const void* data, int64_t index) {
  const uint64_t bits = load_bits(type, data, index);
  if (is_signed_integer(type)) return sign_extend(bits, dtype_bits(type));
  MEMOPT_CHECK(is_unsigned_integer(type) || type == DType::kBool);
  return static_cast<int64_t>(bits);
}

double load_double(DType type, const void* data, int64_t index) {
  switch (type) {
    case DType::kF32:
      return at<float>(data, index);
    case DType::kF64:
      return at<double>(data, index);
    case DType::kF16:
      return f16_to_f32(at<uint16_t>(data, index));
    case DType::kBF16:
      return bf16_to_f32(at<uint16_t>(data, index));
    case DType::kU64:
      return static_cast<double>(at<uint64_t>(data, index));
    default:
      break;
  }
  if (is_float(type)) return f8_to_f32(type, static_cast<uint8_t>(load_bits(type, data, index)));
  return static_cast<double>(load_int(type, data, index));
}

}  // namespace memopt
