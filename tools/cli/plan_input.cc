#include "tools/cli/plan_input.h"

#include <algorithm>
#include <iostream>

#include "runtime/plan/header.h"
#include "tools/certificate/certificate.h"
#include "tools/cli/streams.h"

namespace memopt {

bool is_plan_file(const std::string& path) {
  const auto file = MappedFile::open(path);
  return file.ok() && has_plan_magic(file->bytes());
}

Result<PlanInput> PlanInput::open(const std::string& path) {
  if (path != "-") return PlanInput(path, false, {});
  const std::string name = "standard input";
  std::vector<std::byte> bytes(kPlanHeaderBytes);
  std::cin.read(reinterpret_cast<char*>(bytes.data()), kPlanHeaderBytes);
  bytes.resize(static_cast<size_t>(std::cin.gcount()));
  // What is no plan, or no longer one, is not read to its end.
  const int64_t stated = stated_file_bytes(bytes);
  const int64_t more = std::min(stated, kMaxStreamedBytes) - static_cast<int64_t>(bytes.size());
  if (more < 0) {
    const auto header = decode_plan_header(bytes, static_cast<int64_t>(bytes.size()));
    return in_context(name, header.ok() ? bad_input("malformed header") : header.error());
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> rest, read_stream(std::cin, name, more));
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return PlanInput(name, true, std::move(bytes));
}

Result<std::shared_ptr<const LoadedPlan>> PlanInput::load(LoadOptions options) const {
  if (!is_stream_) return load_plan(name_, options);
  options.mode = LoadMode::kCopy;
  return load_plan(std::span(bytes_), name_, options);
}

Result<Plan> PlanInput::decode() const {
  return is_stream_ ? read_plan(std::span(bytes_), name_) : read_plan(name_);
}

Result<std::string> PlanInput::digest() const {
  return is_stream_ ? certificate::plan_digest(bytes_, name_) : certificate::plan_digest(name_);
}

}  // namespace memopt
