#include "tools/cli/seeded.h"

#include <cmath>

#include "runtime/kernels/element.h"

namespace memopt {
namespace {

double uniform(uint64_t state) {
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 40) / double{1 << 24};
}

template <typename T>
void fill(const Seeded& numbers, std::vector<std::byte>& bytes) {
  constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
  T* const elements = reinterpret_cast<T*>(bytes.data());
  uint64_t state = numbers.seed + (numbers.stream << 36);
  for (size_t j = 0; j < bytes.size() / sizeof(T); ++j) {
    state += kGoldenRatio;
    double value = numbers.lo + (numbers.hi - numbers.lo) * uniform(state);
    if (std::is_integral_v<Compute<T>>) value = std::floor(value);
    elements[j] = store<T>(convert<Compute<T>>(value));
  }
}

}  // namespace

Seeded default_seeded(DType dtype) {
  const bool binary = is_unsigned_integer(dtype) || dtype == DType::kBool || dtype == DType::kI32 ||
                      dtype == DType::kI64;
  return binary ? Seeded{.lo = 0, .hi = 2} : Seeded{};
}

TensorData seeded_tensor(const TensorType& type, const Seeded& numbers) {
  TensorData tensor{.type = type, .bytes = {}, .name = ""};
  tensor.bytes.resize(static_cast<size_t>(type.bytes()));
  if (type.dtype == DType::kBool) {
    fill<Bool>(numbers, tensor.bytes);
    return tensor;
  }
  // Types without arithmetic stay zero.
  (void)dispatch_number(type.dtype, [&](auto tag) -> Status {
    fill<typename decltype(tag)::type>(numbers, tensor.bytes);
    return {};
  });
  return tensor;
}

}  // namespace memopt
