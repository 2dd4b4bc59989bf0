// Shapes of a model's inputs from examples: a folder of tensors.
#pragma once

#include <string>
#include <vector>

#include "compiler/onnx/import.h"
#include "runtime/base/result.h"

namespace memopt {

// The shapes of the inputs in `folder`: input_0.pb, input_1.pb, ... as in ONNX's test_data_set_K,
// in the order of the model's inputs, or where there are none NAME.npy, by name.
Result<std::vector<ExampleShape>> read_example_shapes(const std::string& folder);

}  // namespace memopt
