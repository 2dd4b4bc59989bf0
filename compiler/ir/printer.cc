#include <cctype>
#include <cmath>
#include <cstring>

#include "compiler/ir/text.h"
#include "llvm/ADT/StringExtras.h"
#include "runtime/base/printable.h"

namespace memopt {
namespace {

constexpr int64_t kMaxListedElements = 16;
constexpr size_t kElisionBytes = 256;

std::string quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return '"' + printable(out) + '"';
}

bool is_plain_name(std::string_view name) {
  constexpr std::string_view kOthers = "_.$/:-";
  for (const char c : name) {
    const bool is_letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (!is_letter && kOthers.find(c) == std::string_view::npos) return false;
  }
  return !name.empty();
}

std::string value_name(const Graph& graph, ValueId id) {
  if (!id) return "_";
  const std::string& name = graph.value(id).name;
  return '%' + (is_plain_name(name) ? name : quoted(name));
}

std::string scalar_text(int64_t value) { return std::to_string(value); }
std::string scalar_text(double value) {
  // A point keeps a real number apart from an integer.
  const std::string text = to_string_exact(value);
  return text.find_first_of(".enia") == std::string::npos ? text + ".0" : text;
}
std::string scalar_text(const std::string& value) { return value; }
template <typename T>
std::string scalar_text(const std::vector<T>& items) {
  std::string text = "[";
  for (const T& item : items) {
    if (text.size() > 1) text += ',';
    text += scalar_text(item);
  }
  return text + ']';
}

std::string attr_text(const AttrValue& value) {
  return std::visit([](const auto& concrete) { return scalar_text(concrete); }, value);
}

// The element at `index` as a number that parses back exactly; empty for types that print as hex
// only.
template <typename T>
std::string number(std::span<const std::byte> bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(value) ? "" : to_string_exact(value);
  } else {
    return std::to_string(value);
  }
}
std::string element_text(DType type, std::span<const std::byte> bytes, int64_t index) {
  switch (type) {
    case DType::kF32:
      return number<float>(bytes, index);
    case DType::kF64:
      return number<double>(bytes, index);
    case DType::kI64:
      return number<int64_t>(bytes, index);
    case DType::kI32:
      return number<int32_t>(bytes, index);
    case DType::kI8:
      return number<int8_t>(bytes, index);
    case DType::kU8:
    case DType::kBool:
      return number<uint8_t>(bytes, index);
    default:
      return "";
  }
}

bool all_equal(std::span<const std::byte> bytes, size_t element_bytes) {
  return bytes.size() > element_bytes &&
         std::memcmp(bytes.data(), bytes.data() + element_bytes, bytes.size() - element_bytes) == 0;
}

std::string constant_text(const TensorType& type, std::span<const std::byte> bytes,
                          const PrintOptions& options) {
  const bool packed = type.layout == Layout::kPacked;
  if (!packed && type.count() > 0 && !element_text(type.dtype, bytes, 0).empty()) {
    const int64_t count = type.count();
    if (all_equal(bytes, static_cast<size_t>(dtype_bits(type.dtype) / 8))) {
      return "splat " + element_text(type.dtype, bytes, 0);
    }
    if (count <= kMaxListedElements) {
      std::string text;
      bool listable = true;
      for (int64_t i = 0; i < count && listable; ++i) {
        const std::string element = element_text(type.dtype, bytes, i);
        listable = !element.empty();
        text += (i == 0 ? "" : ", ") + element;
      }
      if (listable) return '[' + text + ']';
    }
  }
  if (options.elide_large_constants && bytes.size() > kElisionBytes) return "elided";
  return "hex \"" +
         llvm::toHex(llvm::StringRef(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                     /*LowerCase=*/true) +
         '"';
}

void print(const Graph& graph, const PrintOptions& options, const std::string& indent,
           std::string& out);

void print_node(const Graph& graph, const Node& node, const PrintOptions& options,
                const std::string& indent, std::string& out) {
  out += indent;
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    out += (i == 0 ? "" : ", ") + value_name(graph, node.outputs[i]);
  }
  out += " = " + std::string(op_name(node.op)) + '(';
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    out += (i == 0 ? "" : ", ") + value_name(graph, node.inputs[i]);
  }
  out += ')';
  const std::vector<Attr> attrs = op_attrs(node.op);
  for (size_t i = 0; i < attrs.size(); ++i) {
    out += (i == 0 ? " {" : " ") + attrs[i].name + '=' + attr_text(attrs[i].value);
  }
  if (!attrs.empty()) out += '}';
  if (!node.name.empty()) out += ' ' + quoted(node.name);
  out += " : ";
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    out += (i == 0 ? "" : ", ") +
           (node.outputs[i] ? to_string(graph.type(node.outputs[i])) : std::string("_"));
  }
  out += '\n';
  for (const Graph& region : node.regions) print(region, options, indent + "  ", out);
}

void print(const Graph& graph, const PrintOptions& options, const std::string& indent,
           std::string& out) {
  const std::string inner = indent + "  ";
  out += indent + "graph " + quoted(graph.name) + " {\n";
  ValueMap<const State*> states(graph, nullptr);
  std::vector<ValueId> updated(graph.outputs().size());
  for (const State& state : graph.states()) {
    states[state.before] = &state;
    updated[state.output] = state.before;
  }
  for (const ValueId id : graph.inputs()) {
    const State* const state = states[id];
    out += inner + value_name(graph, id) + (state ? " = state : " : " = input : ") +
           to_string(graph.type(id));
    if (state && state->initial) {
      out += ' ' + constant_text(graph.type(id), state->initial->bytes(), options);
    }
    out += '\n';
  }
  for (const ValueId id : live_values(graph)) {
    if (!graph.is_constant(id)) continue;
    out += inner + value_name(graph, id) + " = constant : " + to_string(graph.type(id)) + ' ' +
           constant_text(graph.type(id), graph.value(id).data->bytes(), options) + '\n';
  }
  for (const NodeId id : graph.order()) print_node(graph, graph.node(id), options, inner, out);
  out += inner + "return";
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    out += (i == 0 ? " " : ", ") + value_name(graph, graph.outputs()[i]);
    if (graph.has_output_name(i)) out += " as " + quoted(graph.output_name(i));
    if (updated[i]) out += " into " + value_name(graph, updated[i]);
  }
  out += '\n' + indent + "}\n";
}

}  // namespace

std::string print_graph(const Graph& graph, const PrintOptions& options) {
  std::string out;
  print(graph, options, "", out);
  return out;
}

}  // namespace memopt
