#include "passes/transform/constants.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/base/checked.h"
#include "runtime/base/float16.h"

namespace memopt {
namespace {

template <typename T>
T read(const std::byte* data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <typename T>
void append(std::vector<std::byte>& bytes, T value) {
  const auto* data = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), data, data + sizeof(T));
}

// Elements whose exponent has all its bits.
template <typename Bits>
bool any_has(const std::byte* data, int64_t count, Bits exponent) {
  for (int64_t i = 0; i < count; ++i) {
    if ((read<Bits>(data, i) & exponent) == exponent) return true;
  }
  return false;
}

}  // namespace

bool has_nonfinite(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.type(id).layout == Layout::kPacked) return false;
  const Value& value = graph.value(id);
  const std::byte* const data = value.data->bytes().data();
  const int64_t count = value.type.count();
  switch (value.type.dtype) {
    case DType::kF32:
      return any_has<uint32_t>(data, count, 0x7f800000);
    case DType::kF64:
      return any_has<uint64_t>(data, count, 0x7ff0000000000000);
    case DType::kF16:
      return any_has<uint16_t>(data, count, 0x7c00);
    case DType::kBF16:
      return any_has<uint16_t>(data, count, 0x7f80);
    default:
      return false;
  }
}

std::optional<std::vector<double>> float_constant(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.type(id).layout != Layout::kRowMajor) return std::nullopt;
  const Value& value = graph.value(id);
  const std::byte* data = value.data->bytes().data();
  std::vector<double> elements(static_cast<size_t>(value.type.count()));
  for (size_t i = 0; i < elements.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    switch (value.type.dtype) {
      case DType::kF32:
        elements[i] = static_cast<double>(read<float>(data, index));
        break;
      case DType::kF64:
        elements[i] = read<double>(data, index);
        break;
      case DType::kF16:
        elements[i] = static_cast<double>(f16_to_f32(read<uint16_t>(data, index)));
        break;
      case DType::kBF16:
        elements[i] = static_cast<double>(bf16_to_f32(read<uint16_t>(data, index)));
        break;
      default:
        return std::nullopt;
    }
  }
  return elements;
}

std::optional<double> scalar_constant(const Graph& graph, ValueId id) {
  if (!graph.is_constant(id) || graph.type(id).count() != 1) return std::nullopt;
  const auto elements = float_constant(graph, id);
  if (!elements) return std::nullopt;
  return elements->front();
}

namespace {

// The largest number of a float type that leaves room for sums; that of f16, which has none, is its
// largest.
double largest_safe(DType type) {
  constexpr double kRoom = 1e8;
  switch (type) {
    case DType::kF64:
      return std::numeric_limits<double>::max() / kRoom;
    case DType::kF16:
      return 65504;
    default:
      return static_cast<double>(std::numeric_limits<float>::max()) / kRoom;
  }
}

}  // namespace

bool are_safe_constants(DType type, const std::vector<double>& values) {
  const double largest = largest_safe(type);
  return std::all_of(values.begin(), values.end(),
                     [&](double value) { return std::abs(value) <= largest; });  // false for NaN
}

double smallest_normal(DType type) {
  switch (type) {
    case DType::kF64:
      return std::numeric_limits<double>::min();
    case DType::kF16:
      return 0x1p-14;
    default:
      return static_cast<double>(std::numeric_limits<float>::min());
  }
}

bool affords_constants(const PassOptions& options, int64_t count) {
  constexpr int64_t kBytesPerElement = 4 * sizeof(double);
  const auto bytes = checked_mul(count, kBytesPerElement);
  return bytes && options.account->affords(*bytes, count);
}

ValueId add_float_constant(Graph& graph, std::string_view name, DType type, const Dims& dims,
                           const std::vector<double>& values, const PassOptions& options) {
  // affords_constants() has asked for more than this.
  auto reserved = reserve_constant(options.account,
                                   *dtype_bytes(type, static_cast<int64_t>(values.size())), name);
  std::vector<std::byte> bytes;
  bytes.reserve(values.size() * 4);
  for (const double value : values) {
    if (type == DType::kF64) {
      append(bytes, value);
    } else if (type == DType::kF16) {
      append(bytes, f32_to_f16(static_cast<float>(value)));
    } else if (type == DType::kBF16) {
      append(bytes, f32_to_bf16(static_cast<float>(value)));
    } else {
      append(bytes, static_cast<float>(value));
    }
  }
  return graph.add_constant(graph.unique_name(name), {.dtype = type, .dims = dims},
                            ConstantData::from_bytes(std::move(bytes), *std::move(reserved)));
}

std::optional<std::vector<double>> channel_constant(const Graph& graph, ValueId id,
                                                    const TensorType& result) {
  if (!graph.is_constant(id) || result.dims.rank() < 2) return std::nullopt;
  const Dims& dims = graph.type(id).dims;
  const int lead = result.dims.rank() - dims.rank();
  if (lead < 0) return std::nullopt;
  for (int i = 0; i < dims.rank(); ++i) {
    const bool is_channel = i + lead == 1;
    if (dims[i] != 1 && !(is_channel && dims[i] == result.dims[1])) return std::nullopt;
  }
  auto elements = float_constant(graph, id);
  if (!elements) return std::nullopt;
  if (elements->size() == 1)
    elements->resize(static_cast<size_t>(result.dims[1]), elements->front());
  return elements;
}

}  // namespace memopt
