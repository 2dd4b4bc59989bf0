// Writing a plan file (FORMAT.md).
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace memopt {

// Fills `destination` (exactly PlanValue::bytes) with the bytes of constant root `value`. Called
// once per constant root, in the order of their offsets, so that no more than one constant is in
// memory at a time.
using ConstantWriter = std::function<Status(uint32_t value, std::span<std::byte> destination)>;

// Writes `plan` to `path`, atomically: at `path` is the complete new file or what was there before.
// The same plan and constants give the same bytes. Fails with kOutOfResource, naming the file,
// where the disk does not take it, and with kInternal where the plan itself is malformed.
Status write_plan(const Plan& plan, const ConstantWriter& constants, const std::string& path);

}  // namespace memopt
