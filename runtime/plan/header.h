// The fixed 128-byte header of a plan file and its section table (FORMAT.md).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/base/result.h"

namespace memopt {

struct PlanSection {
  int64_t offset = 0;
  int64_t bytes = 0;
  uint64_t digest = 0;
};

struct PlanHeader {
  int64_t file_bytes = 0;
  PlanSection metadata;
  PlanSection constants;
};

inline constexpr int64_t kPlanHeaderBytes = 128;
inline constexpr int64_t kPlanPageBytes = 4096;  // the constants start on a multiple of this
inline constexpr uint32_t kPlanMajor = 1;        // a reader refuses any other
inline constexpr uint32_t kPlanMinor = 1;        // a reader accepts any up to its own

// Where the sections go for these sizes; digests are left 0.
PlanHeader plan_header_for(int64_t metadata_bytes, int64_t constants_bytes);

// An error where a plan with so many bytes of metadata and of constants is beyond the limits.
Status check_plan_sizes(int64_t metadata_bytes, int64_t constants_bytes);

std::array<std::byte, kPlanHeaderBytes> encode_plan_header(const PlanHeader& header);

// Whether a file begins as every plan file does, of whatever version.
bool has_plan_magic(std::span<const std::byte> file_start);

// The length of the file as its header states it, unchecked; 0 where this is no header.
int64_t stated_file_bytes(std::span<const std::byte> file_start);

// Rejects everything but a header whose sections lie exactly where plan_header_for() puts them in a
// file of `file_bytes` bytes, and whose own digest is right.
Result<PlanHeader> decode_plan_header(std::span<const std::byte> file_start, int64_t file_bytes);

}  // namespace memopt
