// The signature of a model: which inputs are constants, the extents of symbolic dimensions, and
// whether its outputs are what it declares.
#pragma once

#include "compiler/onnx/import.h"
#include "compiler/onnx/scope.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/result.h"

namespace memopt {

// Adds the graph's inputs to `scope` and its builder: an input per declared one that is no
// initializer, constants for those that options.bindings fix. Returns ImportedModel::assumed.
// Errors that concern all inputs (no extent for a symbol, options that fit nothing) list all of
// them.
Result<std::vector<ShapeFlag>> add_inputs(Scope& scope, const onnx::GraphProto& graph,
                                          const ImportOptions& options);

// Ok where what the model declares of its outputs agrees with what its nodes make; symbols agree
// with every extent. `built` has the outputs of `graph`, in the same order. Returns
// ImportedModel::notes: other extents are taken from models with operators on which ONNX's own
// shape inference and the runtimes differ.
Result<std::vector<std::string>> check_outputs(const Graph& built, const onnx::GraphProto& graph);

// Joins inputs and outputs of `built`, which has all of them, to states. Errors: kUsage.
Status add_states(Graph& built, const ImportOptions& options);

}  // namespace memopt
