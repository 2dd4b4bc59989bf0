// The plan as key/value pairs for the metadata of an exported ONNX model.
#pragma once

#include <map>
#include <string>

#include "runtime/plan/plan.h"

namespace memopt {

// memopt.arena_bytes, memopt.lower_bound_bytes, memopt.target, memopt.order (JSON list: the names
// of the planned steps in order) and memopt.offsets (JSON object: value name -> [offset, bytes] in
// the arena; values that fusion or layouts made have names that the model does not know).
std::map<std::string, std::string> plan_metadata(const Plan& plan);

}  // namespace memopt
