// Any operator with its attributes: the vocabulary that graphs and plans share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/ops/contraction.h"
#include "runtime/ops/control_flow.h"
#include "runtime/ops/elementwise.h"
#include "runtime/ops/fields.h"
#include "runtime/ops/movement.h"
#include "runtime/ops/quantization.h"
#include "runtime/ops/reduction.h"
#include "runtime/ops/scatter.h"

namespace memopt {

namespace detail {
struct OpListEnd {};
template <typename... Ts>
struct VariantOf;
template <typename... Ts>
struct VariantOf<OpListEnd, Ts...> {
  using type = std::variant<Ts...>;
};
}  // namespace detail

#define OP(name) , name
using Op = detail::VariantOf<detail::OpListEnd
#include "runtime/ops/ops.inc"
                             >::type;
#undef OP

// Dense index of an operator: the position of its line in ops.inc.
using OpKind = size_t;
inline OpKind op_kind(const Op& op) { return op.index(); }
inline constexpr size_t kOpCount = std::variant_size_v<Op>;

namespace detail {
template <typename S, typename... Ts>
constexpr OpKind index_in(const std::variant<Ts...>*) {
  OpKind kind = 0;
  (void)((std::is_same_v<S, Ts> || (++kind, false)) || ...);
  return kind;
}
}  // namespace detail
// The kind of the operator struct S, at compile time.
template <typename S>
inline constexpr OpKind kOpKind = detail::index_in<S>(static_cast<const Op*>(nullptr));

std::string_view op_name(OpKind kind);
inline std::string_view op_name(const Op& op) { return op_name(op_kind(op)); }

// The attributes that differ from their defaults, in the order of fields().
std::vector<Attr> op_attrs(const Op& op);

// The operator called `name` with these attributes (the others keep their defaults). An unknown
// name or attribute and a value of the wrong kind or out of an enumeration are errors.
Result<Op> make_op(std::string_view name, std::span<const Attr> attrs);

// "clip(0,6)" and back; numbers are printed so that they parse to the same bits.
std::string to_string(const Activation& activation);
Result<Activation> parse_activation(std::string_view text);
// The shortest decimal that parses back to exactly `value`.
std::string to_string_exact(double value);

// Short description for people: the function of element-wise, pool and reduce operators, else the
// name.
std::string op_label(const Op& op);

}  // namespace memopt
