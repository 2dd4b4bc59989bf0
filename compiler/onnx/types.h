// ONNX's element and tensor types in memopt's terms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/dtype.h"
#include "runtime/base/result.h"
#include "runtime/base/shape.h"

namespace memopt {

// nullopt for undefined, string and numbers that ONNX does not have.
std::optional<DType> dtype_from_onnx(int64_t data_type);
int32_t dtype_to_onnx(DType type);
// "FLOAT", "STRING", ... or "type 99", for messages.
std::string onnx_dtype_name(int64_t data_type);

// One dimension of an input: an extent, a symbol, or unknown (neither).
struct OnnxDim {
  std::optional<int64_t> extent;
  std::string symbol;
};

// "[N, 3, 224, ?]"
std::string to_string(const std::vector<OnnxDim>& dims);

// The dimensions that a TypeProto declares; nullopt where it declares no shape. A negative extent
// is unknown.
std::optional<std::vector<OnnxDim>> declared_dims(const onnx::TypeProto& type);

// What a TypeProto is if it is no tensor ("a sequence", ...); empty for tensors.
std::string non_tensor_kind(const onnx::TypeProto& type);

// Checks rank, range and product of extents from a file.
Result<Dims> checked_dims(const std::vector<int64_t>& extents);

}  // namespace memopt
