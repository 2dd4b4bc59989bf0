#include "compiler/onnx/tensor.h"

#include <cstring>

#include "compiler/onnx/types.h"
#include "runtime/base/checked.h"
#include "runtime/kernels/element.h"

namespace memopt {
namespace {

using Bytes = std::vector<std::byte>;

Error size_mismatch(const TensorType& type, int64_t needed, int64_t found, const char* unit) {
  return bad_input("needed " + std::to_string(needed) + ' ' + unit + " for " + to_string(type) +
                   ", found " + std::to_string(found));
}

Result<LoadedTensor> with_mapped(const TensorType& type, const SharedBytes& range) {
  const auto found = static_cast<int64_t>(range.bytes.size());
  if (found != type.bytes()) return size_mismatch(type, type.bytes(), found, "bytes");
  return LoadedTensor{type, ConstantData::mapped(range.bytes, range.owner)};
}

Result<Reservation> reserve_tensor(const std::shared_ptr<Account>& account,
                                   const TensorType& type) {
  const std::string what = "a tensor of " + to_string(type);
  MEMOPT_RETURN_IF_ERROR(account->charge_work(type.bytes(), what));
  return reserve_constant(account, type.bytes(), what);
}

// `count` elements of `Stored`, one per entry of the field, each narrowed from Entry's low bits.
template <typename Stored, typename Field>
Result<LoadedTensor> narrowed(const TensorType& type, const Field& field, int64_t entries,
                              const std::shared_ptr<Account>& account) {
  if (field.size() != entries) return size_mismatch(type, entries, field.size(), "elements");
  MEMOPT_ASSIGN_OR_RETURN(Reservation reserved, reserve_tensor(account, type));
  Bytes bytes(static_cast<size_t>(entries) * sizeof(Stored));
  std::byte* out = bytes.data();
  for (const auto entry : field) {
    const auto value = static_cast<Stored>(entry);
    std::memcpy(out, &value, sizeof(Stored));
    out += sizeof(Stored);
  }
  return LoadedTensor{type, ConstantData::from_bytes(std::move(bytes), std::move(reserved))};
}

// The field of `tensor` that holds elements of this type when they are neither raw nor external.
Result<LoadedTensor> decode_field(const onnx::TensorProto& tensor, const TensorType& type,
                                  const std::shared_ptr<Account>& account) {
  const int64_t count = type.count();
  switch (type.dtype) {
    case DType::kF32:
      return narrowed<float>(type, tensor.float_data(), count, account);
    case DType::kC64:
      return narrowed<float>(type, tensor.float_data(), 2 * count, account);
    case DType::kF64:
      return narrowed<double>(type, tensor.double_data(), count, account);
    case DType::kC128:
      return narrowed<double>(type, tensor.double_data(), 2 * count, account);
    case DType::kI64:
      return narrowed<int64_t>(type, tensor.int64_data(), count, account);
    case DType::kU64:
      return narrowed<uint64_t>(type, tensor.uint64_data(), count, account);
    case DType::kU32:
      return narrowed<uint32_t>(type, tensor.uint64_data(), count, account);
    case DType::kI32:
      return narrowed<int32_t>(type, tensor.int32_data(), count, account);
    case DType::kI16:
    case DType::kU16:
    case DType::kF16:
    case DType::kBF16:
      return narrowed<uint16_t>(type, tensor.int32_data(), count, account);
    case DType::kI8:
    case DType::kU8:
    case DType::kBool:
    case DType::kF8E4M3FN:
    case DType::kF8E4M3FNUZ:
    case DType::kF8E5M2:
    case DType::kF8E5M2FNUZ:
    case DType::kF8E8M0:
      return narrowed<uint8_t>(type, tensor.int32_data(), count, account);
    case DType::kI4:
    case DType::kU4:
    case DType::kF4E2M1:
    case DType::kI2:
    case DType::kU2:
      // One entry per byte; a byte packs two (four) elements.
      return narrowed<uint8_t>(type, tensor.int32_data(), type.bytes(), account);
  }
  return internal_error("element type without a data field");
}

template <typename T>
T load(const LoadedTensor& tensor, int64_t index) {
  T value;
  std::memcpy(&value, tensor.data->bytes().data() + static_cast<size_t>(index) * sizeof(T),
              sizeof(T));
  return value;
}

}  // namespace

Result<TensorType> tensor_type_of(const onnx::TensorProto& tensor) {
  TensorType type;
  const std::optional<DType> dtype = dtype_from_onnx(tensor.data_type());
  if (!dtype) {
    return bad_input("element type " + onnx_dtype_name(tensor.data_type()) + " is not supported");
  }
  type.dtype = *dtype;
  MEMOPT_ASSIGN_OR_RETURN(type.dims, checked_dims({tensor.dims().begin(), tensor.dims().end()}));
  if (!is_valid_type(type)) return bad_input(to_string(type) + " is too large");
  return type;
}

Result<LoadedTensor> load_tensor(const onnx::TensorProto& tensor, const TensorSource& source) {
  MEMOPT_ASSIGN_OR_RETURN(const TensorType type, tensor_type_of(tensor));
  const bool external = tensor.data_location() == onnx::TensorProto::EXTERNAL;
  if (external + tensor.has_segment() + tensor.has_raw_data() > 1) {
    return bad_input("a tensor with two kinds of data");
  }
  if (external) {
    if (source.external == nullptr) {
      return bad_input("external data needs a model file, whose folder it is in");
    }
    MEMOPT_ASSIGN_OR_RETURN(const SharedBytes range,
                            source.external->bytes_of(tensor, type.bytes()));
    return with_mapped(type, range);
  }
  if (tensor.has_segment()) {
    const int64_t begin = tensor.segment().begin(), end = tensor.segment().end();
    if (begin < 0 || begin > end || end > static_cast<int64_t>(source.file.bytes.size())) {
      return bad_input("a tensor's data lies outside of the file");
    }
    return with_mapped(type, {source.file.bytes.subspan(static_cast<size_t>(begin),
                                                        static_cast<size_t>(end - begin)),
                              source.file.owner});
  }
  if (tensor.has_raw_data()) {
    const std::string& raw = tensor.raw_data();
    const auto found = static_cast<int64_t>(raw.size());
    if (found != type.bytes()) return size_mismatch(type, type.bytes(), found, "bytes");
    MEMOPT_ASSIGN_OR_RETURN(Reservation reserved, reserve_tensor(source.account, type));
    Bytes bytes(raw.size());
    if (!raw.empty()) std::memcpy(bytes.data(), raw.data(), raw.size());
    return LoadedTensor{type, ConstantData::from_bytes(std::move(bytes), std::move(reserved))};
  }
  return decode_field(tensor, type, source.account);
}

Result<std::vector<std::byte>> number_bytes(DType type, std::span<const double> numbers) {
  std::vector<std::byte> bytes(
      static_cast<size_t>(*dtype_bytes(type, static_cast<int64_t>(numbers.size()))));
  const auto store_all = [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const T element = store<T>(convert<Compute<T>>(numbers[i]));
      std::memcpy(&bytes[i * sizeof(T)], &element, sizeof(T));
    }
    return {};
  };
  if (type == DType::kBool) {
    MEMOPT_RETURN_IF_ERROR(store_all(TypeTag<Bool>{}));
  } else if ((is_float(type) || is_integer(type)) &&
             dtype_bits(type) >= (is_float(type) ? 16 : 8)) {
    MEMOPT_RETURN_IF_ERROR(dispatch_number(type, store_all));
  } else {
    return bad_input("element type " + std::string(dtype_name(type)) + " is not supported here");
  }
  return bytes;
}

Result<LoadedTensor> load_sparse_tensor(const onnx::SparseTensorProto& tensor,
                                        const TensorSource& source) {
  MEMOPT_ASSIGN_OR_RETURN(const LoadedTensor values, load_tensor(tensor.values(), source));
  MEMOPT_ASSIGN_OR_RETURN(const LoadedTensor indices, load_tensor(tensor.indices(), source));
  TensorType type;
  type.dtype = values.type.dtype;
  MEMOPT_ASSIGN_OR_RETURN(type.dims, checked_dims({tensor.dims().begin(), tensor.dims().end()}));
  if (!is_valid_type(type)) return bad_input(to_string(type) + " is too large");
  const int bits = dtype_bits(type.dtype);
  if (bits < 8) return bad_input("a sparse tensor of elements below eight bits");
  const int rank = type.dims.rank();
  const int64_t count = values.type.count();
  const bool linear = indices.type.dims == Dims{count};
  if (values.type.dims.rank() != 1 || indices.type.dtype != DType::kI64 ||
      (!linear && !(indices.type.dims == Dims{count, rank}))) {
    return bad_input("a sparse tensor needs values [n] and i64 indices [n] or [n, rank], found " +
                     to_string(values.type) + " and " + to_string(indices.type));
  }
  const auto size = static_cast<size_t>(bits / 8);
  MEMOPT_ASSIGN_OR_RETURN(Reservation reserved, reserve_tensor(source.account, type));
  Bytes bytes(static_cast<size_t>(type.bytes()));
  const Dims strides = row_major_strides(type.dims);
  int64_t previous = -1;
  for (int64_t i = 0; i < count; ++i) {
    int64_t flat = linear ? load<int64_t>(indices, i) : 0;
    for (int axis = 0; !linear && axis < rank; ++axis) {
      const int64_t index = load<int64_t>(indices, i * rank + axis);
      if (index < 0 || index >= type.dims[axis]) return bad_input("a sparse index out of range");
      flat += index * strides[axis];
    }
    if (flat <= previous || flat >= type.count()) {
      return bad_input("sparse indices must ascend within " + to_string(type));
    }
    previous = flat;
    std::memcpy(&bytes[static_cast<size_t>(flat) * size],
                values.data->bytes().data() + static_cast<size_t>(i) * size, size);
  }
  return LoadedTensor{type, ConstantData::from_bytes(std::move(bytes), std::move(reserved))};
}

}  // namespace memopt
