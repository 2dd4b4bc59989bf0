// Changes ONNX models with knowledge of what they are.
#pragma once

#include "onnx_schema/onnx-ml.pb.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {

// One to a few changes: other operators, operands, attributes, types, shapes and data; new nodes;
// subgraphs and functions made of nodes that are there; external and sparse data; any field of any
// message.
void mutate(onnx::ModelProto& model, Random& random);

// A message of `other` takes the place of one of its kind in `model`, or goes beside it.
void cross(onnx::ModelProto& model, const onnx::ModelProto& other, Random& random);

}  // namespace memopt::fuzz
