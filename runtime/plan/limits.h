// What a plan may hold, for its writer and its reader alike: the compiler refuses or avoids what
// the loader would refuse.
#pragma once

#include <cstddef>
#include <cstdint>

namespace memopt {

inline constexpr int64_t kMaxPlanFileBytes = int64_t{16} << 30;
inline constexpr int64_t kMaxPlanMetadataBytes = int64_t{256} << 20;

inline constexpr size_t kMaxPlanStringBytes = 64 << 10;  // a name, an option
inline constexpr size_t kMaxPlanValues = 4 << 20;
inline constexpr size_t kMaxPlanInstructions = 1 << 20;
inline constexpr size_t kMaxPlanOperands = 8192;    // inputs, and outputs, of one instruction
inline constexpr size_t kMaxPlanAttrs = 256;        // of one instruction
inline constexpr size_t kMaxPlanAliasDepth = 1024;  // links from a value to its root

// What the metadata become in memory, in bytes: so many per byte of theirs, and so many more. With
// the section itself and what the verifier notes this stays within 8 times the file and 16 MiB.
inline constexpr size_t kDecodedPerMetadataByte = 6;
inline constexpr size_t kDecodedBytes = 8 << 20;

inline constexpr int64_t kMaxSpaceBytes = int64_t{1} << 46;      // arena, constants, one value
inline constexpr int64_t kMaxArenaAlignment = int64_t{1} << 21;  // a huge page

}  // namespace memopt
