// Tensor files in ONNX's own form: a serialized TensorProto, as in its test_data_set folders.
#pragma once

#include <string>

#include "runtime/base/file.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"

namespace memopt {

Result<TensorData> read_tensor_pb(const std::string& path);

// Writes and commits a file, or writes into one.
Status write_tensor_pb(const TensorData& tensor, const std::string& path);
Status write_tensor_pb(const TensorData& tensor, AtomicFile& file);

}  // namespace memopt
