// A fast 64-bit digest against accidents (truncation, bit rot, a wrong file). It is not
// cryptographic: it does not protect from anybody who wants to deceive.
//
// Four lanes of 64 bits take one word each in turn. Every step is a bijection of the lane for a
// given word and of the word for a given lane, so that any change of a single word changes the
// digest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace memopt {

class Digest {
 public:
  // Appends bytes; how they are split over calls does not matter.
  void update(std::span<const std::byte> bytes);
  uint64_t value() const;

 private:
  static constexpr size_t kBlock = 32;
  void consume(const std::byte* block);

  std::array<uint64_t, 4> lanes_ = {0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0,
                                    0x082efa98ec4e6c89};  // digits of pi
  std::array<std::byte, kBlock> pending_{};               // the first `length_ % kBlock` are in use
  uint64_t length_ = 0;
};

inline uint64_t digest_of(std::span<const std::byte> bytes) {
  Digest digest;
  digest.update(bytes);
  return digest.value();
}

// As 16 hexadecimal digits.
std::string digest_text(uint64_t digest);

}  // namespace memopt
