// What type inference checks again and again: element types, ranks, extents and attribute ranges.
// Every check names the operand or attribute, what was needed and what was found.
#pragma once

#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/checked.h"
#include "runtime/base/result.h"
#include "runtime/base/type.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/op_def.h"

namespace memopt {

using DTypeList = std::initializer_list<DType>;

// The floating-point types that operators compute in (narrow ones in storage only).
inline constexpr DTypeList kFloatTypes = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64};
// All types that order, add and multiply, of eight bits and more.
inline constexpr DTypeList kNumberTypes = {DType::kF32, DType::kF16, DType::kBF16, DType::kF64,
                                           DType::kI8,  DType::kI16, DType::kI32,  DType::kI64,
                                           DType::kU8,  DType::kU16, DType::kU32,  DType::kU64};
inline constexpr DTypeList kByteTypes = {DType::kU8, DType::kI8};

inline Error needed(std::string_view what, std::string_view wanted, std::string_view found) {
  std::string text(what);
  text += ": needed ";
  text += wanted;
  text += ", found ";
  text += found;
  return bad_input(std::move(text));
}

inline Status check_dtype(std::string_view what, DType found, DTypeList allowed) {
  std::string wanted;
  for (const DType type : allowed) {
    if (type == found) return {};
    if (!wanted.empty()) wanted += " or ";
    wanted += dtype_name(type);
  }
  return needed(what, wanted, dtype_name(found));
}

inline Status check_dims(std::string_view what, const Dims& found, const Dims& wanted) {
  if (found == wanted) return {};
  return needed(what, to_string(wanted), to_string(found));
}

// An operand of known element type and dimensions.
inline Status check_type(std::string_view what, const TensorType& found, DType dtype,
                         const Dims& dims) {
  MEMOPT_RETURN_IF_ERROR(check_dtype(what, found.dtype, {dtype}));
  return check_dims(what, found.dims, dims);
}

inline Status check_rank(std::string_view what, const Dims& found, int least, int most = kMaxRank) {
  if (found.rank() >= least && found.rank() <= most) return {};
  std::string wanted = "rank " + std::to_string(least);
  if (most != least) wanted += " to " + std::to_string(most);
  return needed(what, wanted, "rank " + std::to_string(found.rank()));
}

// An attribute in [least, most].
inline Status check_range(std::string_view what, int64_t found, int64_t least,
                          int64_t most = kMaxDim) {
  if (found >= least && found <= most) return {};
  return needed(what, std::to_string(least) + " to " + std::to_string(most), std::to_string(found));
}

inline Status check_axis(int64_t axis, int rank) {
  if (axis >= 0 && axis < rank) return {};
  return needed("axis", "an axis of a tensor of rank " + std::to_string(rank),
                std::to_string(axis));
}

// A function that maps its element type to itself, as the epilogue of a contraction needs it.
inline Status check_activation(const Activation& activation, DType dtype) {
  if (activation.fn == UnaryFn::kIdentity) return {};
  const bool is_numeric = activation.fn != UnaryFn::kNot && activation.fn != UnaryFn::kBitNot &&
                          activation.fn != UnaryFn::kIsInf && activation.fn != UnaryFn::kIsNan;
  if (is_numeric && is_float(dtype)) return {};
  return needed("activation", is_float(dtype) ? "a function on numbers" : "identity (integers)",
                enum_name(activation.fn));
}

// The product of counts that are >= 0, or the largest integer where it is larger.
inline int64_t saturating_product(std::initializer_list<int64_t> factors) {
  int64_t product = 1;
  for (const int64_t factor : factors) {
    if (factor == 0) return 0;
    const std::optional<int64_t> next = checked_mul(product, factor);
    product = next ? *next : std::numeric_limits<int64_t>::max();
  }
  return product;
}

// The same for whole types.
inline Error needed(std::string_view what, std::string_view wanted, const TensorType& found) {
  return needed(what, wanted, to_string(found));
}

inline bool is_number_float(DType type) { return is_float(type) && dtype_bits(type) >= 16; }
inline bool is_number(DType type) {
  return is_number_float(type) || (is_integer(type) && dtype_bits(type) >= 8);
}

inline Status check_dtype(std::string_view what, const TensorType& found, DType wanted) {
  if (found.dtype == wanted) return {};
  return needed(what, "element type " + std::string(dtype_name(wanted)), found);
}

inline Status check_number(std::string_view what, const TensorType& found) {
  return is_number(found.dtype) ? Status() : needed(what, "numbers", found);
}

// One element, of any rank: real models write [1] for a scalar.
inline Status check_scalar(std::string_view what, const TensorType& found) {
  return found.count() == 1 ? Status() : needed(what, "a scalar", found);
}

// The length of a list attribute.
inline Status check_entries(std::string_view what, size_t found, int wanted) {
  if (found == static_cast<size_t>(wanted)) return {};
  return needed(what, std::to_string(wanted) + " entries", std::to_string(found));
}

// A list attribute as dimensions: at most kMaxRank of them, none negative or too large.
inline Result<Dims> checked_dims(std::string_view what, const std::vector<int64_t>& list) {
  if (list.size() > kMaxRank) {
    return needed(what, "at most " + std::to_string(kMaxRank) + " entries",
                  std::to_string(list.size()));
  }
  const Dims dims{std::span(list)};
  if (!checked_count(dims)) return needed(what, "dimensions in range", to_string(dims));
  return dims;
}

// Input `i`, or null where it is missing or not given.
inline const TensorType* optional_input(InputTypes inputs, size_t i) {
  return i < inputs.size() ? inputs[i] : nullptr;
}

inline std::vector<TensorType> row_major_result(DType dtype, const Dims& dims) {
  return {TensorType{.dtype = dtype, .dims = dims, .layout = Layout::kRowMajor}};
}

// The elements of all results: the cost of element-wise and moving operators.
inline int64_t count_outputs(const Op&, InputTypes, std::span<const TensorType> outputs) {
  int64_t total = 0;
  for (const TensorType& type : outputs) total += type.count();
  return total;
}

}  // namespace memopt
