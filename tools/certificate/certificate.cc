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

Result<std::string> plan_digest(const std::string& path) {
  MEMOPT_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::open(path));
  const std::span<const std::byte> start =
      file.bytes().first(std::min<size_t>(file.bytes().size(), kPlanHeaderBytes));
  const auto header = decode_plan_header(start, static_cast<int64_t>(file.bytes().size()));
  if (!header.ok()) return in_context(path, header.error());
  const uint64_t digest = digest_of(start);
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(digest >> shift) & 15];
  return text;
}

}  // namespace memopt::certificate
