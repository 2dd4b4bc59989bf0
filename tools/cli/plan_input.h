// A plan that a command line names: a file, or - for standard input.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/plan/load.h"

namespace memopt {

// Whether a file begins as a plan does; false where there is none.
bool is_plan_file(const std::string& path);

class PlanInput {
 public:
  // Reads standard input, as far as it is a plan and at most kMaxStreamedBytes; a file is not
  // opened yet. Errors: kBadInput.
  static Result<PlanInput> open(const std::string& path);
  static constexpr int64_t kMaxStreamedBytes = int64_t{4} << 30;

  bool is_stream() const { return is_stream_; }
  // How messages call it.
  const std::string& name() const { return name_; }
  // Of a stream the constants are copied.
  Result<std::shared_ptr<const LoadedPlan>> load(LoadOptions options = {}) const;
  // Decoded, not verified.
  Result<Plan> decode() const;
  // certificate::plan_digest().
  Result<std::string> digest() const;

 private:
  PlanInput(std::string name, bool is_stream, std::vector<std::byte> bytes)
      : name_(std::move(name)), is_stream_(is_stream), bytes_(std::move(bytes)) {}
  std::string name_;
  bool is_stream_;
  std::vector<std::byte> bytes_;  // of a stream
};

}  // namespace memopt
