#include "tools/cli/compare.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/kernels/element.h"

namespace memopt {
namespace {

std::string find_problem(const TensorData& got, const TensorData& want, int64_t stride) {
  if (got.type.dtype != want.type.dtype) {
    return "has element type " + std::string(dtype_name(got.type.dtype)) + ", expected " +
           std::string(dtype_name(want.type.dtype));
  }
  if (stride == 1 && got.type.dims != want.type.dims) {
    return "has shape " + to_string(got.type.dims) + ", expected " + to_string(want.type.dims);
  }
  const int64_t sampled = (got.type.count() + stride - 1) / stride;
  if (stride > 1 && sampled != want.type.count()) {
    return "has " + std::to_string(sampled) + " sampled elements, expected " +
           std::to_string(want.type.count());
  }
  if (dtype_bits(got.type.dtype) > 64) return "is complex, which is not compared";
  return "";
}

}  // namespace

Comparison compare(const TensorData& got, const TensorData& want, int64_t stride,
                   const Tolerance& tolerance) {
  Comparison result;
  result.problem = find_problem(got, want, stride);
  if (!result.problem.empty()) return result;
  const DType dtype = got.type.dtype;
  const bool is_exact = !is_float(dtype);
  result.elements = want.type.count();
  double range = 0;
  for (int64_t i = 0; i < result.elements; ++i) {
    const double value = std::abs(load_double(dtype, want.bytes.data(), i));
    if (std::isfinite(value)) range = std::max(range, value);
  }
  result.range = range > 0 ? range : 1;
  std::pair<bool, double> worst{false, -1};  // differs, by how much
  for (int64_t i = 0; i < result.elements; ++i) {
    const int64_t at = i * stride;
    if (load_bits(dtype, got.bytes.data(), at) == load_bits(dtype, want.bytes.data(), i)) continue;
    const double g = load_double(dtype, got.bytes.data(), at);
    const double w = load_double(dtype, want.bytes.data(), i);
    if (!is_exact && (g == w || (std::isnan(g) && std::isnan(w)))) continue;
    const double error = std::abs(g - w);
    const double allowed =
        tolerance.absolute + tolerance.relative * std::abs(w) + tolerance.range * result.range;
    const bool differs = is_exact || !std::isfinite(error) || error > allowed;
    result.differing += differs;
    if (std::isfinite(error)) result.largest_error = std::max(result.largest_error, error);
    const std::pair severity{differs, std::isfinite(error) ? error : HUGE_VAL};
    if (severity > worst) {
      worst = severity;
      result.worst = at;
      result.worst_got = g;
      result.worst_want = w;
    }
  }
  return result;
}

std::string to_string(const Comparison& comparison) {
  if (!comparison.problem.empty()) return "DIFFERS: " + comparison.problem;
  char text[256];
  if (comparison.ok()) {
    std::snprintf(text, sizeof(text), "ok, %lld elements, largest error %.3g (%.3g of the range)",
                  static_cast<long long>(comparison.elements), comparison.largest_error,
                  comparison.largest_error / comparison.range);
  } else {
    std::snprintf(
        text, sizeof(text),
        "DIFFERS in %lld of %lld elements, largest error %.3g (%.3g of the range); "
        "element %lld is %.9g, expected %.9g",
        static_cast<long long>(comparison.differing), static_cast<long long>(comparison.elements),
        comparison.largest_error, comparison.largest_error / comparison.range,
        static_cast<long long>(comparison.worst), comparison.worst_got, comparison.worst_want);
  }
  return text;
}

}  // namespace memopt
