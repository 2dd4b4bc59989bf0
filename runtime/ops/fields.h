// The list of an operator's attributes, said once: the printer, the parser, the plan's codec and
// the hash all read `fields()`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

namespace memopt {

// One attribute of an operator struct: its name in text and the member that holds it.
template <typename S, typename T>
struct Field {
  std::string_view name;
  T S::*member;
};
template <typename S, typename T>
Field(const char*, T S::*) -> Field<S, T>;

// An attribute's value outside of its struct: what text and plan files carry. Enumerations and
// activations travel as their names.
using AttrValue =
    std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

struct Attr {
  std::string name;
  AttrValue value;
  bool operator==(const Attr&) const = default;
};

// Names of the values of an enumeration, in order; specialised beside each enumeration.
template <typename E>
struct EnumNames;

template <typename E>
concept NamedEnum = requires {
  EnumNames<E>::kNames;
};

template <NamedEnum E>
constexpr std::string_view enum_name(E value) {
  return EnumNames<E>::kNames[static_cast<size_t>(value)];
}

}  // namespace memopt
