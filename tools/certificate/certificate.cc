#include "tools/certificate/certificate.h"

#include "runtime/base/digest.h"
#include "runtime/base/file.h"
#include "runtime/plan/header.h"

namespace memopt::certificate {

std::string_view witness_name(const Witness& witness) {
  if (const auto* const edge = std::get_if<EdgeWitness>(&witness)) {
    return edge->at_end ? "outputs" : "inputs";
  }
  if (std::holds_alternative<OrderWitness>(witness)) return "this_order";
  if (std::holds_alternative<WorkingSetWitness>(witness)) return "working_set";
  return std::holds_alternative<FlowWitness>(witness) ? "flow" : "exhaustion";
}

Result<std::string> plan_digest(std::span<const std::byte> file, const std::string& name) {
  const auto start = file.first(std::min<size_t>(file.size(), kPlanHeaderBytes));
  const auto header = decode_plan_header(start, static_cast<int64_t>(file.size()));
  if (!header.ok()) return in_context(name, header.error());
  return digest_text(digest_of(start));
}

Result<std::string> plan_digest(const std::string& path) {
  MEMOPT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::open(path));
  return plan_digest(file.bytes(), path);
}

}  // namespace memopt::certificate
