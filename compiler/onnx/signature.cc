#include "compiler/onnx/signature.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "compiler/onnx/node_context.h"
#include "compiler/onnx/tensor.h"
#include "compiler/onnx/types.h"

namespace memopt {
namespace {

Error usage(std::string message) { return {Code::kUsage, std::move(message)}; }

// A declared input that is no initializer.
struct Input {
  std::string name;
  bool has_assumed_batch = false;
  DType dtype = DType::kF32;
  std::optional<std::vector<OnnxDim>> declared;
  std::optional<std::vector<int64_t>> given;  // by --shape or a tensor of --bind
};

using Extents = std::map<std::string, int64_t>;

Result<std::vector<Input>> declared_inputs(const Scope& scope, const onnx::GraphProto& graph,
                                           const ImportOptions& options) {
  std::vector<Input> inputs;
  std::set<std::string> seen;
  for (const auto& proto : graph.input()) {
    if (proto.name().empty()) return bad_input("an input without a name");
    if (!seen.insert(proto.name()).second) {
      return bad_input("input '" + proto.name() + "' is declared twice");
    }
    // Up to IR version 3 initializers had to be inputs too; they are constants all the same.
    if (scope.initializers.count(proto.name()) || scope.sparse_initializers.count(proto.name())) {
      continue;
    }
    Input& input = inputs.emplace_back();
    input.name = proto.name();
    const auto dtype = dtype_from_onnx(proto.type().tensor_type().elem_type());
    if (!dtype) return bad_input("input '" + input.name + "' has no element type");
    input.dtype = *dtype;
    input.declared = declared_dims(proto.type());
    const auto shape = options.shapes.find(input.name);
    const auto binding = options.bindings.find(input.name);
    if (shape != options.shapes.end()) input.given = shape->second;
    if (binding == options.bindings.end()) continue;
    if (const auto* tensor = std::get_if<TensorData>(&binding->second)) {
      const TensorType& type = tensor->type;
      const std::vector<int64_t> dims(type.dims.begin(), type.dims.end());
      if (type.dtype != input.dtype) {
        return usage("--bind " + input.name + ": needed elements of type " +
                     std::string(dtype_name(input.dtype)) + ", found " + to_string(type));
      }
      if (input.given && *input.given != dims) {
        return usage("--shape and --bind of input '" + input.name + "' differ");
      }
      input.given = dims;
    }
  }
  return inputs;
}

// Gives inputs without a shape that of their example, by name, else by position.
void take_examples(std::vector<Input>& inputs, const std::vector<ExampleShape>& examples) {
  for (size_t k = 0; k < examples.size(); ++k) {
    const ExampleShape& example = examples[k];
    auto input = std::find_if(inputs.begin(), inputs.end(),
                              [&](const Input& i) { return i.name == example.name; });
    if (input == inputs.end()) {
      if (!example.has_position || examples.size() != inputs.size()) continue;
      input = inputs.begin() + static_cast<std::ptrdiff_t>(k);
    }
    if (!input->given) input->given = example.dims;
  }
}

std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "'" : ", '") + name + "'";
  return list;
}

Status check_names(const std::vector<Input>& inputs, const ImportOptions& options) {
  std::vector<std::string> names;
  names.reserve(inputs.size());
  for (const Input& input : inputs) names.push_back(input.name);
  const auto check = [&](const std::string& flag, const std::string& name) -> Status {
    if (std::ranges::find(names, name) != names.end()) return {};
    return usage(flag + ' ' + name + ": the model has no such input; it has " + listed(names));
  };
  for (const auto& [name, shape] : options.shapes) {
    MEMOPT_RETURN_IF_ERROR(check("--shape", name));
  }
  for (const auto& [name, tensor] : options.bindings) {
    MEMOPT_RETURN_IF_ERROR(check("--bind", name));
  }
  return {};
}

Status set_extent(Extents& extents, const std::string& symbol, int64_t extent,
                  const std::string& where) {
  const auto [found, added] = extents.emplace(symbol, extent);
  if (added || found->second == extent) return {};
  return usage(where + ": dimension '" + symbol + "' is " + std::to_string(extent) + " here and " +
               std::to_string(found->second) + " elsewhere");
}

// Extents of symbols, from --dim and from the shapes that are given.
Result<Extents> symbol_extents(const std::vector<Input>& inputs, const ImportOptions& options) {
  Extents extents;
  for (const auto& [symbol, extent] : options.dims) {
    if (extent.min != extent.max) {
      return usage("--dim " + symbol + "=" + std::to_string(extent.min) + ".." +
                   std::to_string(extent.max) +
                   ": plans are compiled for fixed shapes; give one extent, --dim " + symbol + "=" +
                   std::to_string(extent.max));
    }
    if (extent.min < 0 || extent.min > kMaxDim) return usage("--dim " + symbol + ": out of range");
    extents[symbol] = extent.min;
  }
  std::set<std::string> symbols;
  for (const Input& input : inputs) {
    if (!input.declared) continue;
    for (const OnnxDim& dim : *input.declared) symbols.insert(dim.symbol);
    if (!input.given) continue;
    const std::string where = "input '" + input.name + "'";
    if (input.given->size() != input.declared->size()) {
      return usage(where + ": the model declares " + to_string(*input.declared) + ", given are " +
                   std::to_string(input.given->size()) + " dimensions");
    }
    for (size_t i = 0; i < input.given->size(); ++i) {
      const OnnxDim& dim = (*input.declared)[i];
      if (dim.extent && *dim.extent != (*input.given)[i]) {
        return usage(where + ": dimension " + std::to_string(i) + " is " +
                     std::to_string(*dim.extent) + " in the model, given is " +
                     std::to_string((*input.given)[i]));
      }
      if (!dim.symbol.empty()) {
        MEMOPT_RETURN_IF_ERROR(set_extent(extents, dim.symbol, (*input.given)[i], where));
      }
    }
  }
  for (const auto& [symbol, extent] : options.dims) {
    if (!symbols.contains(symbol)) {
      return usage("--dim " + symbol + ": no input has a dimension of that name");
    }
  }
  return extents;
}

bool is_called_batch(const std::string& symbol) {
  constexpr std::string_view kBatch = "batch";
  const auto equal = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  };
  return std::search(symbol.begin(), symbol.end(), kBatch.begin(), kBatch.end(), equal) !=
         symbol.end();
}

// Takes leading dimensions that nothing gives, those of the batch, as 1: symbols that lead some
// input of several dimensions and are nowhere else than in front, or say that they are the batch,
// and such without a name. Returns the symbols.
std::vector<std::string> assume_batch(std::vector<Input>& inputs, Extents& extents) {
  std::set<std::string> leading;
  std::set<std::string> inner;
  for (Input& input : inputs) {
    if (!input.declared || input.given) continue;
    std::vector<OnnxDim>& dims = *input.declared;
    for (size_t i = 0; i < dims.size(); ++i) {
      const bool leads = i == 0 && dims.size() > 1;
      if (leads) leading.insert(dims[i].symbol);
      if (i > 0) inner.insert(dims[i].symbol);
      if (leads && !dims[i].extent && dims[i].symbol.empty()) {
        dims[i].extent = 1;
        input.has_assumed_batch = true;
      }
    }
  }
  std::vector<std::string> symbols;
  for (const std::string& symbol : leading) {
    if (symbol.empty() || (inner.contains(symbol) && !is_called_batch(symbol))) continue;
    if (extents.emplace(symbol, 1).second) symbols.push_back(symbol);
  }
  return symbols;
}

// The dimensions of an input; nullopt where some extent is unknown.
std::optional<std::vector<int64_t>> resolve(const Input& input, const Extents& extents) {
  if (input.given) return input.given;
  if (!input.declared) return std::nullopt;
  std::vector<int64_t> dims;
  for (const OnnxDim& dim : *input.declared) {
    const auto found = extents.find(dim.symbol);
    if (dim.extent) {
      dims.push_back(*dim.extent);
    } else if (!dim.symbol.empty() && found != extents.end()) {
      dims.push_back(found->second);
    } else {
      return std::nullopt;
    }
  }
  return dims;
}

// A word of a shell's command line.
std::string shell_word(const std::string& text) {
  const auto is_plain = [](unsigned char c) {
    return std::isalnum(c) ||
           std::string_view("_-./:=,+@%").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + '\'';
}

ShapeFlag shape_flag(const std::string& input, const std::vector<int64_t>& dims) {
  std::string text;
  for (const int64_t dim : dims) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return {"shape", input + '=' + text};
}

ShapeFlag dim_flag(const std::string& symbol, int64_t extent) {
  return {"dim", symbol + '=' + std::to_string(extent)};
}

// Flags that would give all extents that are missing, with an example of each.
std::string example_flags(const std::vector<const Input*>& inputs, const Extents& extents) {
  constexpr int64_t kExample = 64;
  std::vector<std::string> flags;
  for (const Input* input : inputs) {
    if (!input->declared) {
      flags.push_back(to_string(shape_flag(input->name, {1, kExample})));
      continue;
    }
    std::vector<int64_t> dims;
    bool is_named = true;
    for (const OnnxDim& dim : *input->declared) {
      const auto known = extents.find(dim.symbol);
      dims.push_back(dim.extent ? *dim.extent : known == extents.end() ? kExample : known->second);
      is_named = is_named && (dim.extent || !dim.symbol.empty());
    }
    if (!is_named) {
      flags.push_back(to_string(shape_flag(input->name, dims)));
      continue;
    }
    for (const OnnxDim& dim : *input->declared) {
      if (!dim.extent && !extents.contains(dim.symbol)) {
        flags.push_back(to_string(dim_flag(dim.symbol, kExample)));
      }
    }
  }
  std::string text;
  std::set<std::string> said;
  for (const std::string& flag : flags) {
    if (said.insert(flag).second) text += (text.empty() ? "" : " ") + flag;
  }
  return text;
}

Error unknown_shapes(const std::vector<const Input*>& inputs, const Extents& extents) {
  std::string text = "plans are compiled for fixed shapes, and nothing gives those of";
  for (const Input* input : inputs) {
    text += (input == inputs.front() ? " input '" : ", '") + input->name + "' " +
            (input->declared ? to_string(*input->declared) : "of unknown rank");
  }
  return usage(text + "; for example: " + example_flags(inputs, extents) +
               ", or --shapes-from FOLDER with an example of each");
}

// All elements of `type` the number that --bind gives.
Result<std::shared_ptr<const ConstantData>> filled(const TensorType& type, double number,
                                                   const ImportOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(Reservation reserved, reserve_constant(options.account, type.bytes(),
                                                                 "a tensor of " + to_string(type)));
  MEMOPT_RETURN_IF_ERROR(options.account->charge_work(type.bytes(), to_string(type)));
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> element,
                          number_bytes(type.dtype, {&number, 1}));
  const TensorType scalar{.dtype = type.dtype, .dims = {}};
  if (is_integer(type.dtype) || type.dtype == DType::kBool) {
    const auto stored = ints_of(scalar, element);
    if (!stored || static_cast<double>(stored->front()) != number) {
      return usage("no " + std::string(dtype_name(type.dtype)) + " is the number given");
    }
  }
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<size_t>(type.bytes()));
  for (int64_t i = 0; i < type.count(); ++i) {
    bytes.insert(bytes.end(), element.begin(), element.end());
  }
  return ConstantData::from_bytes(std::move(bytes), std::move(reserved));
}

// Whether the declared extents can be those of `dims`, of the same rank: symbols are any number.
bool agrees(const std::vector<OnnxDim>& declared, const Dims& dims) {
  for (size_t i = 0; i < declared.size(); ++i) {
    const auto& extent = declared[i].extent;
    if (extent && *extent != dims[static_cast<int>(i)]) return false;
  }
  return true;
}

// Whether the extents of some result are other ones in ONNX's own shape inference (up to 1.22) than
// by the specification and in the runtimes: many published models declare what it says.
bool has_disputed_extents(const onnx::GraphProto& graph) {
  return std::any_of(graph.node().begin(), graph.node().end(), [](const onnx::NodeProto& node) {
    const std::string& op = node.op_type();
    const auto has = [&](std::string_view attribute) {
      return std::any_of(node.attribute().begin(), node.attribute().end(),
                         [&](const auto& a) { return a.name() == attribute; });
    };
    if (op == "Resize") return has("coordinate_transformation_mode");
    if (op == "ConvTranspose") return has("auto_pad");
    return op.ends_with("Pool") && has("ceil_mode");
  });
}

}  // namespace

std::string to_string(const ShapeFlag& flag) {
  return "--" + flag.flag + ' ' + shell_word(flag.value);
}

Result<std::vector<std::string>> check_outputs(const Graph& built, const onnx::GraphProto& graph) {
  std::vector<std::string> notes;
  for (int i = 0; i < graph.output_size(); ++i) {
    const onnx::TypeProto& type = graph.output(i).type();
    const TensorType& found = built.type(built.outputs()[static_cast<size_t>(i)]);
    const auto difference = [&](const std::string& declared) {
      return "output '" + graph.output(i).name() + "' is declared as " + declared +
             ", its nodes make it " + to_string(found);
    };
    const auto contradiction = [&](const std::string& declared) {
      return bad_input(difference(declared));
    };
    const std::string kind = non_tensor_kind(type);
    if (kind == "untyped") continue;
    if (!kind.empty()) return contradiction("a value of type " + kind);
    const int64_t element = type.tensor_type().elem_type();
    if (element != onnx::TensorProto::UNDEFINED && dtype_from_onnx(element) != found.dtype) {
      return contradiction("a tensor of " + onnx_dtype_name(element));
    }
    const auto declared = declared_dims(type);
    if (!declared) continue;
    const std::string shape = "a tensor of shape " + to_string(*declared);
    if (declared->size() != static_cast<size_t>(found.dims.rank())) return contradiction(shape);
    if (agrees(*declared, found.dims)) continue;
    if (!has_disputed_extents(graph)) return contradiction(shape);
    notes.push_back(difference(shape) + "; the nodes are believed");
  }
  return notes;
}

Result<std::vector<ShapeFlag>> add_inputs(Scope& scope, const onnx::GraphProto& graph,
                                          const ImportOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(std::vector<Input> inputs, declared_inputs(scope, graph, options));
  MEMOPT_RETURN_IF_ERROR(check_names(inputs, options));
  take_examples(inputs, options.examples);
  MEMOPT_ASSIGN_OR_RETURN(Extents extents, symbol_extents(inputs, options));
  std::vector<ShapeFlag> assumed;
  for (const std::string& symbol : assume_batch(inputs, extents)) {
    assumed.push_back(dim_flag(symbol, 1));
  }
  std::vector<const Input*> unknown;
  for (const Input& input : inputs) {
    if (!resolve(input, extents)) unknown.push_back(&input);
  }
  if (!unknown.empty()) return unknown_shapes(unknown, extents);

  Graph& built = scope.builder.graph();
  for (const Input& input : inputs) {
    const std::vector<int64_t> extents_of_input = *resolve(input, extents);
    if (input.has_assumed_batch) assumed.push_back(shape_flag(input.name, extents_of_input));
    TensorType type;
    type.dtype = input.dtype;
    auto dims = checked_dims(extents_of_input);
    if (!dims.ok()) return in_context("input '" + input.name + "'", dims.error());
    type.dims = *dims;
    if (!is_valid_type(type)) return bad_input("input '" + input.name + "' is too large");
    const auto binding = options.bindings.find(input.name);
    if (binding == options.bindings.end()) {
      scope.values[input.name] = built.add_input(input.name, type);
    } else if (const auto* tensor = std::get_if<TensorData>(&binding->second)) {
      scope.values[input.name] =
          built.add_constant(input.name, type, ConstantData::from_bytes(tensor->bytes));
    } else {
      auto data = filled(type, std::get<double>(binding->second), options);
      if (!data.ok()) return in_context("--bind " + input.name, data.error());
      scope.values[input.name] = built.add_constant(input.name, type, *std::move(data));
    }
  }
  return assumed;
}

namespace {

// The position of `name`, which `what` calls it.
Result<size_t> position_of(const std::vector<std::string>& names, const std::string& name,
                           const std::string& flag, const std::string& what) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  return usage(flag + ": the model has no " + what + " '" + name + "'; it has " + listed(names));
}

Status add_state(Graph& built, const StateOption& option, const std::vector<std::string>& inputs,
                 const std::vector<std::string>& outputs) {
  const std::string flag = "--state " + option.input + '=' + option.output;
  MEMOPT_ASSIGN_OR_RETURN(const size_t input, position_of(inputs, option.input, flag, "input"));
  MEMOPT_ASSIGN_OR_RETURN(const size_t output, position_of(outputs, option.output, flag, "output"));
  const ValueId before = built.inputs()[input];
  for (const State& state : built.states()) {
    if (state.before == before) return usage(flag + ": the input is a state already");
    if (state.output == output) return usage(flag + ": the output is that of another state");
  }
  const TensorType& type = built.type(before);
  const TensorType& next = built.type(built.outputs()[output]);
  if (type != next) {
    return usage(flag + ": the input is " + to_string(type) + ", the output " + to_string(next));
  }
  State state{.before = before, .output = output, .initial = nullptr};
  if (option.initial) {
    if (option.initial->type != type) {
      return usage(flag + ": needed " + to_string(type) + " to begin with, found " +
                   to_string(option.initial->type));
    }
    state.initial = ConstantData::from_bytes(option.initial->bytes);
  }
  built.add_state(std::move(state));
  return {};
}

}  // namespace

Status add_states(Graph& built, const ImportOptions& options) {
  std::vector<std::string> inputs, outputs;
  for (const ValueId input : built.inputs()) inputs.push_back(built.value(input).name);
  for (size_t i = 0; i < built.outputs().size(); ++i) outputs.push_back(built.output_name(i));
  for (const StateOption& option : options.states) {
    MEMOPT_RETURN_IF_ERROR(add_state(built, option, inputs, outputs));
  }
  return {};
}

}  // namespace memopt
