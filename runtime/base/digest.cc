#include "runtime/base/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace memopt {
namespace {

constexpr uint64_t kWordFactor = 0x9e3779b97f4a7c15;  // odd, so multiplying is a bijection
constexpr uint64_t kLaneFactor = 0xd6e8feb86659fd93;

uint64_t mix(uint64_t lane, uint64_t word) {
  return std::rotl(lane ^ (word * kWordFactor), 29) * kLaneFactor;
}

}  // namespace

void Digest::consume(const std::byte* block) {
  static_assert(std::endian::native == std::endian::little);
  for (size_t i = 0; i < lanes_.size(); ++i) {
    uint64_t word;
    std::memcpy(&word, block + i * sizeof(word), sizeof(word));
    lanes_[i] = mix(lanes_[i], word);
  }
}

void Digest::update(std::span<const std::byte> bytes) {
  const size_t used = length_ % kBlock;
  length_ += bytes.size();
  if (used > 0) {
    const size_t taken = std::min(kBlock - used, bytes.size());
    std::copy_n(bytes.begin(), taken, pending_.begin() + used);
    bytes = bytes.subspan(taken);
    if (used + taken < kBlock) return;
    consume(pending_.data());
  }
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) consume(bytes.data());
  std::copy(bytes.begin(), bytes.end(), pending_.begin());
}

uint64_t Digest::value() const {
  Digest last = *this;
  const size_t used = length_ % kBlock;
  std::fill(last.pending_.begin() + used, last.pending_.end(), std::byte{0});
  last.consume(last.pending_.data());
  uint64_t digest = mix(length_, length_);
  for (const uint64_t lane : last.lanes_) {
    digest = mix(digest, lane);
    digest ^= digest >> 32;
  }
  return digest;
}

std::string digest_text(uint64_t digest) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(digest >> shift) & 15];
  return text;
}

}  // namespace memopt
