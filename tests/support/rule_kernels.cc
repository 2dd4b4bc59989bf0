#include <algorithm>
#include <deque>
#include <string>

#include "tests/support/sound_plan.h"

namespace memopt {
namespace {

// Everything that a kernel may look at, as one number: what it serves, needs and overwrites then
// depends on each part of a request.
uint64_t digest_of_request(const KernelRequest& request, uint64_t salt) {
  uint64_t sum = 1469598103934665603u + salt;
  const auto add = [&](int64_t number) {
    sum = (sum ^ static_cast<uint64_t>(number)) * 1099511628211u;
  };
  for (const auto operands : {request.inputs, request.outputs}) {
    add(static_cast<int64_t>(operands.size()));
    for (const Operand& operand : operands) {
      for (const int64_t number :
           {int64_t{operand.present}, int64_t{operand.constant},
            static_cast<int64_t>(operand.dtype), static_cast<int64_t>(operand.layout)}) {
        add(number);
      }
      for (const int64_t dim : operand.dims) add(dim);
      for (const int64_t stride : operand.strides) add(stride);
    }
  }
  add(static_cast<int64_t>(request.target.isa));
  return (sum ^ sum >> 29) * 0x9E3779B97F4A7C15u >> 20;
}

bool serves_all(const KernelRequest&) { return true; }
bool serves_some(const KernelRequest& request) { return digest_of_request(request, 1) % 8 != 0; }

bool overwrites_all(const KernelRequest&, int, int) { return true; }
bool overwrites_some(const KernelRequest& request, int input, int output) {
  return digest_of_request(request, 10 + 16 * input + output) % 4 != 0;
}

Result<KernelNeeds> needs_some(const KernelRequest& request) {
  const uint64_t digest = digest_of_request(request, 2);
  if (digest % 16 == 0) return bad_input("nothing will do");
  return KernelNeeds{.scratch_bytes = static_cast<int64_t>(digest % 3) * 32, .packed = {}};
}

Result<KernelNeeds> needs_packed(const KernelRequest& request) {
  KernelNeeds needs;
  const int64_t more = digest_of_request(request, 4) % 4 == 0 ? 4 : 0;
  for (int i = static_cast<int>(request.inputs.size()) - 1; i > 0; --i) {
    needs.packed.push_back({.input = i, .bytes = 64 + 4 * i + more});
  }
  if (digest_of_request(request, 3) % 2 == 0) {
    std::reverse(needs.packed.begin(), needs.packed.end());
  }
  return needs;
}

}  // namespace

const std::vector<KernelDef>& rule_kernels() {
  static const KernelDef kKinds[] = {
      {.name = ".plain", .supports = serves_all, .in_place = nullptr},
      {.name = ".over", .supports = serves_all, .in_place = overwrites_all},
      {.name = ".some", .supports = serves_some, .needs = needs_some, .in_place = overwrites_some},
      {.name = ".packed",
       .supports = serves_all,
       .needs = needs_packed,
       .in_place = overwrites_all}};
  static std::deque<std::string> names;
  static const std::vector<KernelDef> kAll = [] {
    std::vector<KernelDef> all;
    for (const auto& [op, name] :
         {std::pair{kOpKind<Copy>, "copy"}, std::pair{kOpKind<Cast>, "cast"},
          std::pair{kOpKind<Reshape>, "reshape"}, std::pair{kOpKind<Binary>, "binary"},
          std::pair{kOpKind<Clip>, "clip"}, std::pair{kOpKind<Split>, "split"}}) {
      for (const KernelDef& kind : kKinds) {
        KernelDef& def = all.emplace_back(kind);
        def.name = names.emplace_back(name + std::string(kind.name));
        def.op = op;
      }
    }
    return all;
  }();
  return kAll;
}

const KernelDef* rule_kernel(std::string_view name) {
  for (const KernelDef& kernel : rule_kernels()) {
    if (kernel.name == name) return &kernel;
  }
  return nullptr;
}

}  // namespace memopt
