// TensorProto and SparseTensorProto in: every way in which ONNX stores elements.
#pragma once

#include <memory>

#include "compiler/ir/graph.h"
#include "compiler/onnx/external_data.h"
#include "compiler/onnx/shared_bytes.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/result.h"

namespace memopt {

// Where the bytes of tensors are besides their own message.
struct TensorSource {
  SharedBytes file;                  // that `segment` points into (see wire.h)
  ExternalData* external = nullptr;  // null: external data is refused
  // What is not left in a file counts on it.
  std::shared_ptr<Account> account = std::make_shared<Account>();
};

struct LoadedTensor {
  TensorType type;
  std::shared_ptr<const ConstantData> data;  // exactly type.bytes() bytes
};

// Element type and dimensions, checked; the data is not looked at.
Result<TensorType> tensor_type_of(const onnx::TensorProto& tensor);

// The tensor with its data: mapped where raw bytes lie in a file, else decoded. The bytes there are
// must be exactly the bytes that the type needs.
Result<LoadedTensor> load_tensor(const onnx::TensorProto& tensor, const TensorSource& source);

// The bytes of a tensor with these elements, each rounded to `type`: a number of at least a byte,
// or bool; kBadInput for others.
Result<std::vector<std::byte>> number_bytes(DType type, std::span<const double> numbers);

// A sparse tensor made dense. Indices are checked: in range and ascending.
Result<LoadedTensor> load_sparse_tensor(const onnx::SparseTensorProto& tensor,
                                        const TensorSource& source);

}  // namespace memopt
