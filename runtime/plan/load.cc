#include "runtime/plan/load.h"

#include <algorithm>

#include "runtime/base/digest.h"
#include "runtime/plan/codec.h"
#include "runtime/plan/header.h"
#include "runtime/plan/verify.h"

namespace memopt {
namespace {

// A plan file taken apart. The constants still are where the file is.
struct PlanParts {
  Plan plan;
  std::span<const std::byte> constants;
};

Result<PlanParts> take_apart(std::span<const std::byte> file, bool verify_constants) {
  const auto start = file.first(std::min<size_t>(file.size(), kPlanHeaderBytes));
  MEMOPT_ASSIGN_OR_RETURN(const PlanHeader header,
                          decode_plan_header(start, static_cast<int64_t>(file.size())));
  const auto section = [&](const PlanSection& place) {
    return file.subspan(static_cast<size_t>(place.offset), static_cast<size_t>(place.bytes));
  };
  // In private memory, so that what is checked is what is used, even if the file changes.
  const auto mapped = section(header.metadata);
  const std::vector<std::byte> metadata(mapped.begin(), mapped.end());
  if (digest_of(metadata) != header.metadata.digest) {
    return bad_input("damaged: the digest of the metadata differs");
  }
  const auto metadata_end = static_cast<size_t>(header.metadata.offset + header.metadata.bytes);
  const auto padding =
      file.subspan(metadata_end, static_cast<size_t>(header.constants.offset) - metadata_end);
  if (!std::all_of(padding.begin(), padding.end(), [](std::byte b) { return b == std::byte{0}; })) {
    return bad_input("damaged: the padding before the constants is not zero");
  }
  PlanParts parts;
  MEMOPT_ASSIGN_OR_RETURN(parts.plan, decode_plan(metadata));
  if (parts.plan.constants_bytes != header.constants.bytes) {
    return bad_input("the plan has " + std::to_string(parts.plan.constants_bytes) +
                     " bytes of constants, the file " + std::to_string(header.constants.bytes));
  }
  parts.constants = section(header.constants);
  if (verify_constants && digest_of(parts.constants) != header.constants.digest) {
    return bad_input("damaged: the digest of the constants differs");
  }
  return parts;
}

bool is_aligned(std::span<const std::byte> bytes) {
  return reinterpret_cast<uintptr_t>(bytes.data()) % kConstantAlignment == 0;
}

}  // namespace

class PlanLoader {
 public:
  static Result<std::shared_ptr<const LoadedPlan>> load(std::span<const std::byte> file,
                                                        MappedFile owner,
                                                        const LoadOptions& options) {
    MEMOPT_ASSIGN_OR_RETURN(PlanParts parts, take_apart(file, options.verify_constants));
    MEMOPT_RETURN_IF_ERROR(verify_memory(parts.plan, options.kernels));
    std::shared_ptr<LoadedPlan> loaded(new LoadedPlan);
    loaded->plan_ = std::move(parts.plan);
    loaded->kernels_ = options.kernels;
    if (options.mode == LoadMode::kMap && is_aligned(parts.constants)) {
      loaded->file_ = std::move(owner);
      loaded->constants_ = parts.constants;
      return std::shared_ptr<const LoadedPlan>(std::move(loaded));
    }
    MEMOPT_ASSIGN_OR_RETURN(loaded->copied_, PageBuffer::allocate(loaded->plan_.constants_bytes));
    std::copy(parts.constants.begin(), parts.constants.end(), loaded->copied_.bytes().begin());
    loaded->constants_ = loaded->copied_.bytes();
    return std::shared_ptr<const LoadedPlan>(std::move(loaded));
  }

  static Result<std::shared_ptr<const LoadedPlan>> rehearse(std::span<const std::byte> metadata,
                                                            const LoadOptions& options) {
    std::shared_ptr<LoadedPlan> loaded(new LoadedPlan);
    MEMOPT_ASSIGN_OR_RETURN(loaded->plan_, decode_plan(metadata));
    MEMOPT_RETURN_IF_ERROR(verify_memory(loaded->plan_, options.kernels));
    loaded->kernels_ = options.kernels;
    MEMOPT_ASSIGN_OR_RETURN(loaded->copied_, PageBuffer::allocate(loaded->plan_.constants_bytes));
    loaded->constants_ = loaded->copied_.bytes();
    return std::shared_ptr<const LoadedPlan>(std::move(loaded));
  }
};

Result<std::shared_ptr<const LoadedPlan>> load_plan(const std::string& path,
                                                    const LoadOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(MappedFile file, MappedFile::open(path));
  const std::span<const std::byte> bytes = file.bytes();
  auto loaded = PlanLoader::load(bytes, std::move(file), options);
  if (!loaded.ok()) return in_context(path, loaded.error());
  return loaded;
}

Result<std::shared_ptr<const LoadedPlan>> load_plan(std::span<const std::byte> file,
                                                    const std::string& name,
                                                    const LoadOptions& options) {
  auto loaded = PlanLoader::load(file, MappedFile(), options);
  if (!loaded.ok()) return in_context(name, loaded.error());
  return loaded;
}

Result<std::shared_ptr<const LoadedPlan>> rehearse_load(std::span<const std::byte> metadata,
                                                        const LoadOptions& options) {
  return PlanLoader::rehearse(metadata, options);
}

Result<Plan> read_plan(std::span<const std::byte> file, const std::string& name) {
  Result<PlanParts> parts = take_apart(file, false);
  if (!parts.ok()) return in_context(name, parts.error());
  return std::move(parts->plan);
}

Result<Plan> read_plan(const std::string& path) {
  MEMOPT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::open(path));
  return read_plan(file.bytes(), path);
}

}  // namespace memopt
