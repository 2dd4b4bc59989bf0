// Folders in the layout of ONNX's own backend tests: input_k.pb, output_k.pb.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"

namespace memopt {

struct ExpectedTensor {
  TensorData tensor;
  int64_t stride = 1;  // above 1: a sample (compare.h)
};

struct TestData {
  std::vector<TensorData> inputs;  // in the order of the model's inputs
  std::vector<ExpectedTensor> outputs;
};

// Reads `folder`. Where a file io.json lies in the folder above, inputs that are not there as files
// are made by the generator that it names, and outputs may be output_k.sample.pb with the stride
// that it gives.
Result<TestData> read_test_data(const std::string& folder);

}  // namespace memopt
