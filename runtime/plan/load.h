// Reading a plan file (FORMAT.md). The file is untrusted: whatever it holds, the result is a plan
// that is safe to run, or an error.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/file.h"
#include "runtime/base/page_buffer.h"
#include "runtime/base/result.h"
#include "runtime/kernels/kernel.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"

namespace memopt {

enum class LoadMode : uint8_t {
  // The constants stay in the file (or in the caller's memory) and are read where they lie. Nobody
  // may write into the file in place or truncate it while it is loaded; replacing it is fine.
  kMap,
  kCopy,  // everything is copied into private memory
};

struct LoadOptions {
  LoadMode mode = LoadMode::kMap;
  // Also compares the constants with their digest, which reads them all. The metadata always is.
  bool verify_constants = false;
  KernelLookup kernels = find_kernel;
};

// A plan whose structure and use of memory are verified, and its constants. Immutable; any number
// of sessions share it. Its kernels are checked where they are made, in Session::create().
class LoadedPlan {
 public:
  const Plan& plan() const { return plan_; }
  // Plan::constants_bytes bytes, 64-byte aligned.
  std::span<const std::byte> constants() const { return constants_; }
  KernelLookup kernels() const { return kernels_; }

 private:
  friend class PlanLoader;
  LoadedPlan() = default;

  Plan plan_;
  MappedFile file_;    // kMap
  PageBuffer copied_;  // kCopy
  std::span<const std::byte> constants_;
  KernelLookup kernels_ = find_kernel;
};

Result<std::shared_ptr<const LoadedPlan>> load_plan(const std::string& path,
                                                    const LoadOptions& options = {});

// From memory. With kMap the constants stay where they are: `file` must outlive the result and must
// be 64-byte aligned, else they are copied. Messages start with `name`.
Result<std::shared_ptr<const LoadedPlan>> load_plan(std::span<const std::byte> file,
                                                    const std::string& name,
                                                    const LoadOptions& options = {});

// What a file with this metadata would load as, with constants that nobody has written: zeros,
// which take no memory until somebody reads them. For sessions that are made to see what they take,
// not to be run.
Result<std::shared_ptr<const LoadedPlan>> rehearse_load(std::span<const std::byte> metadata,
                                                        const LoadOptions& options = {});

// The metadata alone, decoded but not verified: for tools that describe plans, sound or not.
Result<Plan> read_plan(const std::string& path);
Result<Plan> read_plan(std::span<const std::byte> file, const std::string& name);

}  // namespace memopt
