// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace memopt::fuzz {

// Ends the process with this message where the condition does not hold: a finding.
void require(bool condition, std::string_view message);

// An error that a file may deserve; anything else is a finding.
void require_expected(const Error& error);
inline void require_expected(const Status& status) {
  if (!status.ok()) require_expected(status.error());
}

// Counts what inputs came to; printed when the process ends ("counter accepted 123"), for
// scripts/fuzz.
class Counter {
 public:
  explicit Counter(const char* name);
  void operator++() { ++count_; }
  const char* name() const { return name_; }
  uint64_t count() const { return count_; }

 private:
  const char* name_;
  uint64_t count_ = 0;
};

// A path of a file with these bytes, overwritten by the next call.
std::string file_with(std::span<const uint8_t> bytes);

// Random numbers of mutators.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed * 2654435761u + 1) {}
  uint64_t bits() { return uint64_t{engine_()} << 31 ^ engine_(); }
  size_t below(size_t limit) { return limit == 0 ? 0 : bits() % limit; }
  bool one_in(size_t n) { return below(n) == 0; }
  template <typename List>
  auto& any(List& list) {
    return list[below(std::size(list))];
  }
  // A number as files have it: small, near a limit, or near `old`.
  int64_t number(int64_t old = 0);

 private:
  std::minstd_rand engine_;
};

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace memopt::fuzz

// libFuzzer's own mutation, for custom mutators.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);
