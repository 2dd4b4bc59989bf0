// What a plan is compiled for: the instruction set that its kernels may use and into how many
// pieces they cut their work. Both are part of the plan, so that results depend on neither the
// machine nor the number of threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace memopt {

// Each level includes those before it.
enum class Isa : uint8_t { kPortable, kAvx2, kAvx512, kAvx512Vnni, kAvx512Bf16, kAmx };

struct Target {
  Isa isa = Isa::kPortable;
  // Large kernels are cut into this many pieces; more threads than pieces do not help.
  int pieces = 2;
  bool operator==(const Target&) const = default;
};

// "avx512_vnni:2" and back: the name of the instruction set, optionally with the number of pieces
// (1 to 256).
std::string to_string(const Target& target);
std::optional<Target> parse_target(std::string_view text);

// The highest instruction set of the processor this runs on.
Isa host_isa();

}  // namespace memopt
