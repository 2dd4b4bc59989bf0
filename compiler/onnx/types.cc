#include "compiler/onnx/types.h"

namespace memopt {
namespace {

struct TypePair {
  DType type;
  onnx::TensorProto::DataType onnx_type;
};
constexpr TypePair kPairs[] = {
    {DType::kF32, onnx::TensorProto::FLOAT},
    {DType::kF64, onnx::TensorProto::DOUBLE},
    {DType::kF16, onnx::TensorProto::FLOAT16},
    {DType::kBF16, onnx::TensorProto::BFLOAT16},
    {DType::kF8E4M3FN, onnx::TensorProto::FLOAT8E4M3FN},
    {DType::kF8E4M3FNUZ, onnx::TensorProto::FLOAT8E4M3FNUZ},
    {DType::kF8E5M2, onnx::TensorProto::FLOAT8E5M2},
    {DType::kF8E5M2FNUZ, onnx::TensorProto::FLOAT8E5M2FNUZ},
    {DType::kF8E8M0, onnx::TensorProto::FLOAT8E8M0},
    {DType::kF4E2M1, onnx::TensorProto::FLOAT4E2M1},
    {DType::kI8, onnx::TensorProto::INT8},
    {DType::kI16, onnx::TensorProto::INT16},
    {DType::kI32, onnx::TensorProto::INT32},
    {DType::kI64, onnx::TensorProto::INT64},
    {DType::kU8, onnx::TensorProto::UINT8},
    {DType::kU16, onnx::TensorProto::UINT16},
    {DType::kU32, onnx::TensorProto::UINT32},
    {DType::kU64, onnx::TensorProto::UINT64},
    {DType::kI4, onnx::TensorProto::INT4},
    {DType::kU4, onnx::TensorProto::UINT4},
    {DType::kI2, onnx::TensorProto::INT2},
    {DType::kU2, onnx::TensorProto::UINT2},
    {DType::kBool, onnx::TensorProto::BOOL},
    {DType::kC64, onnx::TensorProto::COMPLEX64},
    {DType::kC128, onnx::TensorProto::COMPLEX128},
};
static_assert(std::size(kPairs) == kDTypeCount);

}  // namespace

std::optional<DType> dtype_from_onnx(int64_t data_type) {
  for (const TypePair& pair : kPairs) {
    if (pair.onnx_type == data_type) return pair.type;
  }
  return std::nullopt;
}

int32_t dtype_to_onnx(DType type) { return kPairs[static_cast<size_t>(type)].onnx_type; }

std::string onnx_dtype_name(int64_t data_type) {
  const auto narrow = static_cast<int>(data_type);
  return narrow == data_type && onnx::TensorProto::DataType_IsValid(narrow)
             ? onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(narrow))
             : "type " + std::to_string(data_type);
}

std::string to_string(const std::vector<OnnxDim>& dims) {
  std::string text = "[";
  for (const OnnxDim& dim : dims) {
    if (text.size() > 1) text += ", ";
    text += dim.extent ? std::to_string(*dim.extent) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  return text + "]";
}

std::optional<std::vector<OnnxDim>> declared_dims(const onnx::TypeProto& type) {
  if (!type.tensor_type().has_shape()) return std::nullopt;
  std::vector<OnnxDim> dims;
  for (const auto& dim : type.tensor_type().shape().dim()) {
    OnnxDim& result = dims.emplace_back();
    if (dim.has_dim_value() && dim.dim_value() >= 0) result.extent = dim.dim_value();
    // "?" is what some exporters write for a dimension without a name.
    if (dim.has_dim_param() && dim.dim_param() != "?") result.symbol = dim.dim_param();
  }
  return dims;
}

std::string non_tensor_kind(const onnx::TypeProto& type) {
  switch (type.value_case()) {
    case onnx::TypeProto::kTensorType:
      return "";
    case onnx::TypeProto::kSequenceType:
      return "sequence";
    case onnx::TypeProto::kMapType:
      return "map";
    case onnx::TypeProto::kOptionalType:
      return "optional";
    case onnx::TypeProto::kSparseTensorType:
      return "sparse tensor";
    case onnx::TypeProto::kOpaqueType:
      return "opaque";
    case onnx::TypeProto::VALUE_NOT_SET:
      return "untyped";
  }
  return "unknown";
}

Result<Dims> checked_dims(const std::vector<int64_t>& extents) {
  if (extents.size() > kMaxRank) {
    return bad_input("rank " + std::to_string(extents.size()) + "; at most " +
                     std::to_string(kMaxRank) + " dimensions are supported");
  }
  const Dims dims{std::span<const int64_t>(extents)};
  if (!checked_count(dims)) {
    return bad_input("shape " + to_string(dims) + " has a negative or too large extent");
  }
  return dims;
}

}  // namespace memopt
