#include "compiler/onnx/signature.h"

#include <set>

#include "compiler/onnx/types.h"

namespace memopt {
namespace {

Error usage(std::string message) { return {Code::kUsage, std::move(message)}; }

// A declared input that is no initializer.
struct Input {
  std::string name;
  DType dtype = DType::kF32;
  std::optional<std::vector<OnnxDim>> declared;
  std::optional<std::vector<int64_t>> given;  // by --shape or --bind
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
    if (binding != options.bindings.end()) {
      const TensorType& type = binding->second.type;
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

Status check_names(const std::vector<Input>& inputs, const ImportOptions& options) {
  std::set<std::string> names;
  std::string list;
  for (const Input& input : inputs) {
    names.insert(input.name);
    list += (list.empty() ? "'" : ", '") + input.name + "'";
  }
  for (const auto& [name, shape] : options.shapes) {
    if (!names.contains(name)) {
      return usage("--shape " + name + ": the model has no such input; it has " + list);
    }
  }
  for (const auto& [name, tensor] : options.bindings) {
    if (!names.contains(name)) {
      return usage("--bind " + name + ": the model has no such input; it has " + list);
    }
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

Error unknown_shapes(const std::vector<const Input*>& inputs) {
  std::string text = "plans are compiled for fixed shapes; give the missing extents:";
  for (const Input* input : inputs) {
    text += (input == inputs.front() ? " input '" : "; input '") + input->name + "' is " +
            (input->declared ? to_string(*input->declared) : "of unknown rank") + ": --shape " +
            input->name + "=...";
    std::set<std::string> symbols;
    if (input->declared) {
      for (const OnnxDim& dim : *input->declared) symbols.insert(dim.symbol);
    }
    symbols.erase("");
    for (const std::string& symbol : symbols) text += " or --dim " + symbol + "=...";
  }
  return usage(text);
}

// Whether a declared shape can be that of `dims`: symbols are any number.
bool agrees(const std::vector<OnnxDim>& declared, const Dims& dims) {
  if (declared.size() != static_cast<size_t>(dims.rank())) return false;
  for (size_t i = 0; i < declared.size(); ++i) {
    const auto& extent = declared[i].extent;
    if (extent && *extent != dims[static_cast<int>(i)]) return false;
  }
  return true;
}

}  // namespace

Status check_outputs(const Graph& built, const onnx::GraphProto& graph) {
  for (int i = 0; i < graph.output_size(); ++i) {
    const onnx::TypeProto& type = graph.output(i).type();
    const TensorType& found = built.type(built.outputs()[static_cast<size_t>(i)]);
    const auto contradiction = [&](const std::string& declared) {
      return bad_input("output '" + graph.output(i).name() + "' is declared as " + declared +
                       ", its nodes make it " + to_string(found));
    };
    const std::string kind = non_tensor_kind(type);
    if (kind == "untyped") continue;
    if (!kind.empty()) return contradiction("a value of type " + kind);
    const int64_t element = type.tensor_type().elem_type();
    if (element != onnx::TensorProto::UNDEFINED && dtype_from_onnx(element) != found.dtype) {
      return contradiction("a tensor of " + onnx_dtype_name(element));
    }
    const auto declared = declared_dims(type);
    if (declared && !agrees(*declared, found.dims)) {
      return contradiction("a tensor of shape " + to_string(*declared));
    }
  }
  return {};
}

Status add_inputs(Scope& scope, const onnx::GraphProto& graph, const ImportOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<Input> inputs, declared_inputs(scope, graph, options));
  MEMOPT_RETURN_IF_ERROR(check_names(inputs, options));
  MEMOPT_ASSIGN_OR_RETURN(const Extents extents, symbol_extents(inputs, options));
  std::vector<const Input*> unknown;
  for (const Input& input : inputs) {
    if (!resolve(input, extents)) unknown.push_back(&input);
  }
  if (!unknown.empty()) return unknown_shapes(unknown);

  Graph& built = scope.builder.graph();
  for (const Input& input : inputs) {
    TensorType type;
    type.dtype = input.dtype;
    auto dims = checked_dims(*resolve(input, extents));
    if (!dims.ok()) return in_context("input '" + input.name + "'", dims.error());
    type.dims = *dims;
    if (!is_valid_type(type)) return bad_input("input '" + input.name + "' is too large");
    const auto binding = options.bindings.find(input.name);
    scope.values[input.name] =
        binding == options.bindings.end()
            ? built.add_input(input.name, type)
            : built.add_constant(input.name, type, ConstantData::from_bytes(binding->second.bytes));
  }
  return {};
}

}  // namespace memopt
