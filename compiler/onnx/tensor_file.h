// Tensor files in ONNX's own form: a serialized TensorProto, as in its test_data_set folders.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"

namespace memopt {

Result<TensorData> read_tensor_pb(const std::string& path);

// Overwrites `path`.
Status write_tensor_pb(const TensorData& tensor, const std::string& path);

}  // namespace memopt
