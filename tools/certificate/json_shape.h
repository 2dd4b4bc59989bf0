// What a JSON text may look like before anything of it is kept.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/base/result.h"

namespace memopt::certificate {

struct JsonLimits {
  int64_t depth = 16;    // lists and objects within each other
  int64_t members = 16;  // of one object
  int64_t items =
      4'000'000;  // values of any kind: kept, one takes 50 bytes at most beside its text
};

// An error (kBadInput) for what is not JSON, repeats the name of a member or is beyond the limits.
// Takes memory for one string and the names of `depth` objects, and time as the text is long.
Status check_json_shape(std::string_view text, const JsonLimits& limits = {});

}  // namespace memopt::certificate
