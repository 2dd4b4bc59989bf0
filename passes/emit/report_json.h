// The report as JSON: schema "memopt.report/1". Bytes are integers, keys sorted, strings ASCII with
// escapes (invalid UTF-8 in a model's names becomes U+FFFD); the same report gives the same text.
#pragma once

#include <string>

#include "passes/emit/report.h"

namespace memopt {

// One object: model, target, naive_bytes, arena_bytes, lower_bound_bytes, gap_bytes, scratch_bytes
// (largest of any step), constants_bytes, io_bytes, state_bytes, runtime_bytes (null where not
// shown by a session or estimated), runtime_is_estimate, total_bytes, arena{...} (its split at the
// peak), io{...}, certificate{...}, peak{...}, suggestions[...], and, if `details`, tensors[...]
// and steps[...] by index.
std::string report_json(const Report& report, bool details, int indent = 2);

}  // namespace memopt
