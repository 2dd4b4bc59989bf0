#include "runtime/base/target.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <charconv>
#include <iterator>

namespace memopt {
namespace {

constexpr std::string_view kIsaNames[] = {"portable",    "avx2",        "avx512",
                                          "avx512_vnni", "avx512_bf16", "amx"};
constexpr int kMaxPieces = 256;

#if defined(__x86_64__)
// AMX with int8, in the processor and saved by the system. Not every compiler that builds this
// knows the names of these features.
bool has_amx() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kTile = 1u << 24, kInt8 = 1u << 25;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return false;
  if ((edx & kTile) == 0 || (edx & kInt8) == 0) return false;
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  constexpr unsigned kTileState = 3u << 17;
  return (low & kTileState) == kTileState;
}
#endif

}  // namespace

std::string to_string(const Target& target) {
  return std::string(kIsaNames[static_cast<size_t>(target.isa)]) + ':' +
         std::to_string(target.pieces);
}

std::optional<Target> parse_target(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view isa = text.substr(0, colon);
  for (size_t i = 0; i < std::size(kIsaNames); ++i) {
    if (kIsaNames[i] != isa) continue;
    Target target{.isa = static_cast<Isa>(i)};
    if (colon == std::string_view::npos) return target;
    const std::string_view pieces = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(pieces.data(), pieces.data() + pieces.size(), target.pieces);
    if (error != std::errc() || end != pieces.data() + pieces.size()) return std::nullopt;
    if (target.pieces < 1 || target.pieces > kMaxPieces) return std::nullopt;
    return target;
  }
  return std::nullopt;
}

Isa host_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::kPortable;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) {
    return Isa::kAvx2;
  }
  if (!__builtin_cpu_supports("avx512vnni")) return Isa::kAvx512;
  if (!__builtin_cpu_supports("avx512bf16")) return Isa::kAvx512Vnni;
  return has_amx() ? Isa::kAmx : Isa::kAvx512Bf16;
#else
  return Isa::kPortable;
#endif
}

}  // namespace memopt
