// Small models to start from.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "onnx_schema/onnx-ml.pb.h"

namespace memopt::fuzz {

// One for every operator sample that ONNX can express, with its name. What else there is of ONNX
// (subgraphs, functions, sparse and external data) is in the corpus (seeds.py).
const std::vector<std::pair<std::string, onnx::ModelProto>>& model_seeds();

}  // namespace memopt::fuzz
