// What of a model memopt does not know, all of it at once.
#pragma once

#include "compiler/onnx/importer.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/result.h"

namespace memopt {

// An error that lists every unknown operator and element type in the graph, its loops and the
// functions that it calls, each with its count and the first nodes. Branches of If do not fail a
// graph, since they may never be taken, but are listed with the rest.
Status check_supported(const onnx::GraphProto& graph, const OpsetVersions& opsets,
                       const FunctionTable& functions);

}  // namespace memopt
