#include "runtime/ops/op.h"

#include <array>
#include <charconv>
#include <type_traits>

#include "runtime/base/type.h"

namespace memopt {
namespace {

AttrValue encode(int64_t value) { return value; }
AttrValue encode(bool value) { return int64_t{value}; }
AttrValue encode(double value) { return value; }
AttrValue encode(DType value) { return std::string(dtype_name(value)); }
AttrValue encode(Layout value) { return std::string(layout_name(value)); }
AttrValue encode(const Activation& value) { return to_string(value); }
AttrValue encode(const std::vector<int64_t>& value) { return value; }
AttrValue encode(const std::vector<double>& value) { return value; }
template <NamedEnum E>
AttrValue encode(E value) {
  return std::string(enum_name(value));
}

// Each `decode` stores a value of the right kind and says whether it was one.
bool decode(const AttrValue& value, int64_t& out) {
  const auto* number = std::get_if<int64_t>(&value);
  if (number) out = *number;
  return number != nullptr;
}
bool decode(const AttrValue& value, bool& out) {
  const auto* number = std::get_if<int64_t>(&value);
  if (!number || (*number != 0 && *number != 1)) return false;
  out = *number == 1;
  return true;
}
bool decode(const AttrValue& value, double& out) {
  if (const auto* number = std::get_if<double>(&value)) {
    out = *number;
    return true;
  }
  if (const auto* number = std::get_if<int64_t>(&value)) {  // text "1" for 1.0
    out = static_cast<double>(*number);
    return true;
  }
  return false;
}
bool decode(const AttrValue& value, DType& out) {
  const auto* text = std::get_if<std::string>(&value);
  const std::optional<DType> type = text ? parse_dtype(*text) : std::nullopt;
  if (type) out = *type;
  return type.has_value();
}
bool decode(const AttrValue& value, Layout& out) {
  const auto* text = std::get_if<std::string>(&value);
  const std::optional<Layout> layout = text ? parse_layout(*text) : std::nullopt;
  if (layout) out = *layout;
  return layout.has_value();
}
bool decode(const AttrValue& value, Activation& out) {
  const auto* text = std::get_if<std::string>(&value);
  if (!text) return false;
  Result<Activation> parsed = parse_activation(*text);
  if (parsed.ok()) out = *parsed;
  return parsed.ok();
}
bool decode(const AttrValue& value, std::vector<int64_t>& out) {
  const auto* list = std::get_if<std::vector<int64_t>>(&value);
  if (list) out = *list;
  return list != nullptr;
}
bool decode(const AttrValue& value, std::vector<double>& out) {
  if (const auto* list = std::get_if<std::vector<double>>(&value)) {
    out = *list;
    return true;
  }
  if (const auto* list = std::get_if<std::vector<int64_t>>(&value)) {
    out.assign(list->begin(), list->end());
    return true;
  }
  return false;
}
template <NamedEnum E>
bool decode(const AttrValue& value, E& out) {
  const auto* text = std::get_if<std::string>(&value);
  if (!text) return false;
  for (size_t i = 0; i < std::size(EnumNames<E>::kNames); ++i) {
    if (EnumNames<E>::kNames[i] == *text) {
      out = static_cast<E>(i);
      return true;
    }
  }
  return false;
}

template <typename S>
std::vector<Attr> struct_attrs(const S& op) {
  [[maybe_unused]] static const S kDefaults;
  std::vector<Attr> attrs;
  std::apply(
      [&](const auto&... field) {
        (..., [&](const auto& f) {
          if (op.*f.member != kDefaults.*f.member) {
            attrs.push_back({std::string(f.name), encode(op.*f.member)});
          }
        }(field));
      },
      S::fields());
  return attrs;
}

template <typename S>
Result<Op> make_struct(std::span<const Attr> attrs) {
  S op;
  for (const Attr& attr : attrs) {
    bool known = false;
    bool good = true;
    std::apply(
        [&](const auto&... field) {
          (..., [&](const auto& f) {
            if (f.name != attr.name) return;
            known = true;
            good = decode(attr.value, op.*f.member);
          }(field));
        },
        S::fields());
    if (!known) {
      return bad_input("operator '" + std::string(S::kName) + "' has no attribute '" + attr.name +
                       "'");
    }
    if (!good) {
      return bad_input("operator '" + std::string(S::kName) + "': attribute '" + attr.name +
                       "' has a value of the wrong kind");
    }
  }
  return Op(std::move(op));
}

constexpr std::array<std::string_view, kOpCount> kOpNames = {
#define OP(name) name::kName,
#include "runtime/ops/ops.inc"
#undef OP
};

}  // namespace

std::string_view op_name(OpKind kind) { return kOpNames[kind]; }

std::vector<Attr> op_attrs(const Op& op) {
  return std::visit([](const auto& concrete) { return struct_attrs(concrete); }, op);
}

Result<Op> make_op(std::string_view name, std::span<const Attr> attrs) {
#define OP(type) \
  if (name == type::kName) return make_struct<type>(attrs);
#include "runtime/ops/ops.inc"
#undef OP
  return bad_input("unknown operator '" + std::string(name) + "'");
}

std::string to_string_exact(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  MEMOPT_CHECK(error == std::errc());
  return std::string(text, end);
}

std::string to_string(const Activation& activation) {
  std::string text(enum_name(activation.fn));
  if (activation.alpha != 0 || activation.beta != 0) {
    text += '(' + to_string_exact(activation.alpha) + ',' + to_string_exact(activation.beta) + ')';
  }
  return text;
}

Result<Activation> parse_activation(std::string_view text) {
  const Error malformed = bad_input("malformed activation '" + std::string(text) +
                                    "': needed a function name or name(alpha,beta)");
  const size_t open = text.find('(');
  Activation activation;
  if (!decode(std::string(text.substr(0, open)), activation.fn)) return malformed;
  if (open == std::string_view::npos) return activation;
  const char* const end = text.data() + text.size();
  auto next = std::from_chars(text.data() + open + 1, end, activation.alpha);
  if (next.ec != std::errc() || next.ptr == end || *next.ptr != ',') return malformed;
  next = std::from_chars(next.ptr + 1, end, activation.beta);
  if (next.ec != std::errc() || next.ptr + 1 != end || *next.ptr != ')') return malformed;
  return activation;
}

std::string op_label(const Op& op) {
  if (const auto* unary = std::get_if<Unary>(&op)) return std::string(enum_name(unary->fn.fn));
  if (const auto* binary = std::get_if<Binary>(&op)) return std::string(enum_name(binary->fn));
  std::string label(op_name(op));
  if (const auto* pool = std::get_if<Pool>(&op))
    return std::string(enum_name(pool->fn)) + '_' + label;
  if (const auto* reduce = std::get_if<Reduce>(&op))
    return label + '_' + std::string(enum_name(reduce->fn));
  return label;
}

}  // namespace memopt
