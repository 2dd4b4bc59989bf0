#include "tools/cli/runtime_bytes.h"

#include "runtime/base/size_text.h"

namespace memopt {

std::string runtime_text(const std::optional<RuntimeBytes>& bytes) {
  if (!bytes) return "not measured: this build does not count allocations";
  return both_sizes_text(bytes->total()) + ": plan " + size_text(bytes->plan) + ", session " +
         size_text(bytes->session) + ", without the stacks of threads";
}

}  // namespace memopt
