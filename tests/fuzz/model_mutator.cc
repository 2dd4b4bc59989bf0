#include "tests/fuzz/model_mutator.h"

#include <algorithm>
#include <vector>

#include "compiler/onnx/mapping.h"

namespace memopt::fuzz {
namespace {

constexpr int kMostNodes = 24;

constexpr const char* kAttributes[] = {"activation",
                                       "activation_params",
                                       "allowzero",
                                       "alpha",
                                       "antialias",
                                       "approximate",
                                       "auto_pad",
                                       "axes",
                                       "axis",
                                       "batch_dims",
                                       "beta",
                                       "bias",
                                       "block_size",
                                       "blocksize",
                                       "body",
                                       "border",
                                       "ceil_mode",
                                       "coordinate_transformation_mode",
                                       "count_include_pad",
                                       "cubic_coeff_a",
                                       "detect_negative",
                                       "detect_positive",
                                       "dilations",
                                       "direction",
                                       "else_branch",
                                       "end",
                                       "ends",
                                       "epsilon",
                                       "exclude_outside",
                                       "extrapolation_value",
                                       "fmod",
                                       "gamma",
                                       "group",
                                       "k",
                                       "keep_aspect_ratio_policy",
                                       "keepdims",
                                       "kernel_shape",
                                       "lambd",
                                       "largest",
                                       "max",
                                       "min",
                                       "mode",
                                       "momentum",
                                       "nearest_mode",
                                       "noop_with_empty_axes",
                                       "num_groups",
                                       "num_outputs",
                                       "num_scan_inputs",
                                       "output_dtype",
                                       "output_padding",
                                       "output_shape",
                                       "p",
                                       "pads",
                                       "perm",
                                       "reduction",
                                       "round_mode",
                                       "saturate",
                                       "scale",
                                       "scales",
                                       "scan_input_directions",
                                       "scan_output_directions",
                                       "select_last_index",
                                       "shape",
                                       "size",
                                       "sorted",
                                       "sparse_value",
                                       "spatial",
                                       "split",
                                       "start",
                                       "starts",
                                       "stash_type",
                                       "storage_order",
                                       "strides",
                                       "then_branch",
                                       "to",
                                       "training_mode",
                                       "transA",
                                       "transB",
                                       "upper",
                                       "value",
                                       "value_float",
                                       "value_floats",
                                       "value_int",
                                       "value_ints"};

constexpr const char* kWords[] = {"NOTSET",
                                  "SAME_UPPER",
                                  "SAME_LOWER",
                                  "VALID",
                                  "constant",
                                  "reflect",
                                  "edge",
                                  "wrap",
                                  "nearest",
                                  "linear",
                                  "cubic",
                                  "bilinear",
                                  "half_pixel",
                                  "pytorch_half_pixel",
                                  "align_corners",
                                  "asymmetric",
                                  "tf_crop_and_resize",
                                  "half_pixel_symmetric",
                                  "round_prefer_floor",
                                  "round_prefer_ceil",
                                  "floor",
                                  "ceil",
                                  "not_larger",
                                  "not_smaller",
                                  "stretch",
                                  "DCR",
                                  "CRD",
                                  "tanh",
                                  "none",
                                  "RIGHT",
                                  "LEFT",
                                  "Relu",
                                  "LeakyRelu",
                                  "Clip",
                                  "",
                                  "location",
                                  "offset",
                                  "length",
                                  "w.bin",
                                  "../w.bin",
                                  "/etc/passwd",
                                  "ai.onnx",
                                  "com.microsoft",
                                  "N",
                                  "4096",
                                  "-1"};

const std::vector<const NodeMapping*>& mappings() {
  static const std::vector<const NodeMapping*> kAll = [] {
    std::vector<const NodeMapping*> all;
    for (const auto family : {elementwise_mappings(), contraction_mappings(), pooling_mappings(),
                              normalization_mappings(), reduction_mappings(), movement_mappings(),
                              reshape_mappings(), resize_mappings(), constant_mappings(),
                              quantization_mappings(), control_flow_mappings()}) {
      for (const NodeMapping& mapping : family) all.push_back(&mapping);
    }
    return all;
  }();
  return kAll;
}

void set_op(onnx::NodeProto& node, Random& random) {
  const NodeMapping& mapping = *random.any(mappings());
  node.set_op_type(std::string(mapping.op_type));
  node.set_domain(std::string(mapping.domain));
}

// What there is of each kind, wherever it is.
struct Parts {
  std::vector<onnx::GraphProto*> graphs;
  std::vector<onnx::NodeProto*> nodes;
  std::vector<onnx::AttributeProto*> attributes;
  std::vector<onnx::TensorProto*> tensors;
  std::vector<onnx::TypeProto_Tensor*> types;

  explicit Parts(onnx::ModelProto& model) {
    add(*model.mutable_graph());
    for (auto& function : *model.mutable_functions()) add(*function.mutable_node());
  }

 private:
  void add(onnx::GraphProto& graph) {
    if (graphs.size() > 64) return;
    graphs.push_back(&graph);
    for (auto& tensor : *graph.mutable_initializer()) tensors.push_back(&tensor);
    for (auto& sparse : *graph.mutable_sparse_initializer()) {
      tensors.push_back(sparse.mutable_values());
      tensors.push_back(sparse.mutable_indices());
    }
    for (auto* const list : {graph.mutable_input(), graph.mutable_output()}) {
      for (auto& value : *list) {
        if (value.type().has_tensor_type()) {
          types.push_back(value.mutable_type()->mutable_tensor_type());
        }
      }
    }
    add(*graph.mutable_node());
  }
  void add(google::protobuf::RepeatedPtrField<onnx::NodeProto>& list) {
    for (onnx::NodeProto& node : list) {
      nodes.push_back(&node);
      for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
        attributes.push_back(&attribute);
        if (attribute.has_t()) tensors.push_back(attribute.mutable_t());
        if (attribute.has_g()) add(*attribute.mutable_g());
      }
    }
  }
};

template <typename T>
T* any_of(const std::vector<T*>& list, Random& random) {
  return list.empty() ? nullptr : list[random.below(list.size())];
}

// A name that something in the model has.
std::string any_name(onnx::ModelProto& model, Random& random) {
  std::vector<std::string> names;
  for (const onnx::GraphProto* const graph : Parts(model).graphs) {
    for (const auto& input : graph->input()) names.push_back(input.name());
    for (const auto& tensor : graph->initializer()) names.push_back(tensor.name());
    for (const auto& node : graph->node()) {
      names.insert(names.end(), node.output().begin(), node.output().end());
    }
  }
  if (names.empty() || random.one_in(16)) return random.any(kWords);
  return random.any(names);
}

// --- tensors ---

void fill(onnx::TensorProto& tensor, Random& random) {
  size_t elements = 1;
  for (const int64_t dim : tensor.dims()) elements *= std::clamp<int64_t>(dim, 0, 64);
  elements = std::min<size_t>(elements, 512);
  tensor.clear_raw_data();
  tensor.clear_float_data();
  tensor.clear_int32_data();
  tensor.clear_int64_data();
  tensor.clear_double_data();
  const bool is_real = tensor.data_type() == onnx::TensorProto::FLOAT;
  static constexpr size_t kWidths[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};
  const auto type = static_cast<size_t>(tensor.data_type());
  const size_t width = type < std::size(kWidths) ? kWidths[type] : 1;
  std::string raw;
  for (size_t i = 0; i < elements; ++i) {
    const int64_t number =
        random.one_in(8) ? random.number() : static_cast<int64_t>(random.below(5));
    if (is_real) {
      tensor.add_float_data(static_cast<float>(number) / 2);
    } else if (tensor.data_type() == onnx::TensorProto::INT64 && random.one_in(2)) {
      tensor.add_int64_data(number);
    }
    raw.append(reinterpret_cast<const char*>(&number), std::min<size_t>(width, 8));
  }
  if (!is_real && tensor.int64_data_size() != static_cast<int>(elements)) {
    tensor.clear_int64_data();
    tensor.set_raw_data(raw);
  }
}

void make_external(onnx::TensorProto& tensor, Random& random) {
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const char* key : {"location", "offset", "length"}) {
    if (random.one_in(4)) continue;
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(key[1] == 'o' && key[2] == 'c' ? random.any(kWords)
                                                   : std::to_string(random.number()));
  }
}

void mutate_tensor(onnx::TensorProto& tensor, Random& random) {
  switch (random.below(6)) {
    case 0:
      tensor.set_data_type(static_cast<int>(random.below(30)));
      return;
    case 1:
      if (tensor.dims_size() > 0) {
        const auto at = static_cast<int>(random.below(static_cast<size_t>(tensor.dims_size())));
        tensor.set_dims(at, random.number(tensor.dims(at)));
      }
      return;
    case 2:
      if (random.one_in(2) && tensor.dims_size() > 0)
        tensor.mutable_dims()->RemoveLast();
      else
        tensor.add_dims(random.one_in(2) ? 1 : random.number());
      return;
    case 3:
      if (random.one_in(4)) return make_external(tensor, random);
      [[fallthrough]];
    default:
      fill(tensor, random);
  }
}

// --- nodes ---

void set_attribute(onnx::AttributeProto& attribute, onnx::ModelProto& model, Random& random) {
  using A = onnx::AttributeProto;
  switch (random.below(8)) {
    case 0:
      attribute.set_type(A::FLOAT);
      attribute.set_f(static_cast<float>(random.number()) / 4);
      return;
    case 1:
    case 2:
      attribute.set_type(A::INT);
      attribute.set_i(random.number(attribute.i()));
      return;
    case 3:
      attribute.set_type(A::STRING);
      attribute.set_s(random.any(kWords));
      return;
    case 4:
    case 5:
      attribute.set_type(A::INTS);
      if (attribute.ints_size() > 0 && !random.one_in(4)) {
        const auto at = static_cast<int>(random.below(static_cast<size_t>(attribute.ints_size())));
        attribute.set_ints(at, random.number(attribute.ints(at)));
      } else {
        attribute.clear_ints();
        for (size_t i = random.below(6); i > 0; --i) attribute.add_ints(random.number());
      }
      return;
    case 6:
      attribute.set_type(A::TENSOR);
      if (const auto* tensor = any_of(Parts(model).tensors, random)) {
        const onnx::TensorProto copy = *tensor;
        *attribute.mutable_t() = copy;
      }
      return;
    default:
      attribute.set_type(A::FLOATS);
      attribute.add_floats(static_cast<float>(random.number()) / 4);
  }
}

void mutate_attribute(onnx::ModelProto& model, onnx::NodeProto& node, Random& random) {
  const bool add = node.attribute_size() == 0 || (random.one_in(4) && node.attribute_size() < 8);
  onnx::AttributeProto& attribute =
      add ? *node.add_attribute()
          : *node.mutable_attribute(
                static_cast<int>(random.below(static_cast<size_t>(node.attribute_size()))));
  if (add || random.one_in(8)) attribute.set_name(random.any(kAttributes));
  if (!add && random.one_in(16)) {
    node.mutable_attribute()->RemoveLast();
    return;
  }
  set_attribute(attribute, model, random);
}

void mutate_operands(onnx::ModelProto& model, google::protobuf::RepeatedPtrField<std::string>& list,
                     Random& random) {
  const std::string name = random.one_in(6) ? "" : any_name(model, random);
  if (list.empty() || random.one_in(4)) {
    if (list.size() < 16) *list.Add() = name;
  } else if (random.one_in(4)) {
    list.RemoveLast();
  } else {
    *list.Mutable(static_cast<int>(random.below(static_cast<size_t>(list.size())))) = name;
  }
}

// A node of any operator behind all others of a graph, whose first result becomes an output.
void add_node(onnx::ModelProto& model, onnx::GraphProto& graph, Random& random) {
  if (graph.node_size() >= kMostNodes) return;
  const NodeMapping& mapping = *random.any(mappings());
  onnx::NodeProto node;
  node.set_op_type(std::string(mapping.op_type));
  node.set_domain(std::string(mapping.domain));
  const size_t most = std::min(mapping.max_inputs, mapping.min_inputs + 3);
  const size_t inputs = static_cast<size_t>(mapping.min_inputs) +
                        random.below(most - static_cast<size_t>(mapping.min_inputs) + 1);
  for (size_t i = 0; i < inputs; ++i) node.add_input(any_name(model, random));
  const std::string result =
      "n" + std::to_string(graph.node_size()) + std::to_string(random.below(100));
  node.add_output(result);
  if (random.one_in(6)) node.add_output(result + "b");
  if (random.one_in(2)) mutate_attribute(model, node, random);
  *graph.add_node() = node;
  if (graph.output_size() > 0 && random.one_in(2)) {
    graph.mutable_output(static_cast<int>(random.below(static_cast<size_t>(graph.output_size()))))
        ->set_name(result);
  } else {
    graph.add_output()->set_name(result);
  }
}

// The last node of the graph goes into a function that is called, or into a branch.
void wrap_node(onnx::ModelProto& model, Random& random) {
  onnx::GraphProto& graph = *model.mutable_graph();
  if (graph.node_size() == 0 || model.functions_size() > 4) return;
  onnx::NodeProto& node =
      *graph.mutable_node(static_cast<int>(random.below(static_cast<size_t>(graph.node_size()))));
  const onnx::NodeProto inner = node;
  node.clear_attribute();
  if (random.one_in(2)) {
    onnx::FunctionProto& function = *model.add_functions();
    function.set_name("F" + std::to_string(model.functions_size()));
    function.set_domain("local");
    *function.mutable_input() = inner.input();
    *function.mutable_output() = inner.output();
    *function.mutable_opset_import() = model.opset_import();
    *function.add_node() = inner;
    node.set_op_type(function.name());
    node.set_domain("local");
    if (random.one_in(2)) model.add_opset_import()->set_domain("local");
    return;
  }
  node.set_op_type("If");
  node.set_domain("");
  node.clear_input();
  node.add_input(any_name(model, random));
  for (const char* name : {"then_branch", "else_branch"}) {
    onnx::AttributeProto& branch = *node.add_attribute();
    branch.set_name(name);
    branch.set_type(onnx::AttributeProto::GRAPH);
    onnx::GraphProto& body = *branch.mutable_g();
    body.set_name(name);
    *body.add_node() = inner;
    for (const std::string& output : inner.output()) body.add_output()->set_name(output);
  }
}

void mutate_node(onnx::ModelProto& model, Random& random) {
  onnx::NodeProto* const node = any_of(Parts(model).nodes, random);
  if (!node) return;
  switch (random.below(6)) {
    case 0:
      return set_op(*node, random);
    case 1:
      return mutate_operands(model, *node->mutable_input(), random);
    case 2:
      return random.one_in(3) ? mutate_operands(model, *node->mutable_output(), random)
                              : mutate_operands(model, *node->mutable_input(), random);
    default:
      return mutate_attribute(model, *node, random);
  }
}

void mutate_signature(onnx::ModelProto& model, Random& random) {
  auto* const type = any_of(Parts(model).types, random);
  if (!type) return;
  if (random.one_in(3)) return type->set_elem_type(static_cast<int>(random.below(26)));
  auto& shape = *type->mutable_shape();
  if (shape.dim_size() == 0 || random.one_in(4)) {
    shape.add_dim()->set_dim_value(static_cast<int64_t>(random.below(5)));
    return;
  }
  auto& dim =
      *shape.mutable_dim(static_cast<int>(random.below(static_cast<size_t>(shape.dim_size()))));
  if (random.one_in(8))
    dim.set_dim_param("N");
  else
    dim.set_dim_value(random.number(dim.dim_value()));
}

void mutate_opset(onnx::ModelProto& model, Random& random) {
  if (model.opset_import_size() == 0) model.add_opset_import();
  model.mutable_opset_import(0)->set_version(static_cast<int64_t>(1 + random.below(27)));
  if (random.one_in(4)) {
    auto& second = *model.add_opset_import();
    second.set_domain("com.microsoft");
    second.set_version(1);
  }
}

void make_sparse(onnx::ModelProto& model, Random& random) {
  onnx::GraphProto& graph = *model.mutable_graph();
  if (graph.initializer_size() == 0) return;
  onnx::SparseTensorProto& sparse = *graph.add_sparse_initializer();
  *sparse.mutable_values() = graph.initializer(
      static_cast<int>(random.below(static_cast<size_t>(graph.initializer_size()))));
  for (const int64_t dim : sparse.values().dims()) sparse.add_dims(dim);
  if (random.one_in(2)) sparse.add_dims(random.number());
  onnx::TensorProto& indices = *sparse.mutable_indices();
  indices.set_data_type(onnx::TensorProto::INT64);
  sparse.mutable_values()->clear_dims();
  sparse.mutable_values()->add_dims(static_cast<int64_t>(random.below(4)));
  indices.add_dims(sparse.values().dims(0));
  fill(*sparse.mutable_values(), random);
  fill(indices, random);
}

// Something that is listed more than once, in another place, or no more.
template <typename List>
void mutate_list(List& list, Random& random) {
  if (list.empty()) return;
  const auto at = static_cast<int>(random.below(static_cast<size_t>(list.size())));
  switch (random.below(3)) {
    case 0:
      list.SwapElements(0, at);
      return;
    case 1:
      list.RemoveLast();
      return;
    default:
      if (list.size() < kMostNodes) *list.Add() = typename List::value_type(list.Get(at));
  }
}

void mutate_lists(onnx::ModelProto& model, Random& random) {
  onnx::GraphProto& graph = *any_of(Parts(model).graphs, random);
  switch (random.below(6)) {
    case 0:
      return mutate_list(*graph.mutable_node(), random);
    case 1:
      return mutate_list(*graph.mutable_initializer(), random);
    case 2:
      return mutate_list(*graph.mutable_input(), random);
    case 3:
      return mutate_list(*graph.mutable_output(), random);
    case 4:
      return mutate_list(*model.mutable_functions(), random);
    default:
      return mutate_list(*model.mutable_opset_import(), random);
  }
}

template <typename T>
void replace(const std::vector<T*>& to, const std::vector<T*>& from, Random& random) {
  if (!to.empty() && !from.empty()) any_of(to, random)->CopyFrom(*any_of(from, random));
}

void mutate_once(onnx::ModelProto& model, Random& random) {
  const size_t kind = random.below(20);
  if (kind < 8) return mutate_node(model, random);
  if (kind < 11) {
    onnx::GraphProto* graph = random.one_in(4) ? any_of(Parts(model).graphs, random) : nullptr;
    return add_node(model, graph ? *graph : *model.mutable_graph(), random);
  }
  if (kind < 14) {
    if (auto* const tensor = any_of(Parts(model).tensors, random)) mutate_tensor(*tensor, random);
    return;
  }
  switch (kind) {
    case 14:
      return mutate_signature(model, random);
    case 15:
      return mutate_opset(model, random);
    case 16:
      return random.one_in(2) ? make_sparse(model, random) : wrap_node(model, random);
    case 17:
      return cross(model, onnx::ModelProto(model), random);
    default:
      return mutate_lists(model, random);
  }
}

}  // namespace

void mutate(onnx::ModelProto& model, Random& random) {
  for (size_t changes = 1 + random.below(3); changes > 0; --changes) mutate_once(model, random);
}

void cross(onnx::ModelProto& model, const onnx::ModelProto& other, Random& random) {
  onnx::ModelProto copy = other;
  const Parts from(copy), to(model);
  switch (random.below(5)) {
    case 0:
      return replace(to.nodes, from.nodes, random);
    case 1:
      return replace(to.attributes, from.attributes, random);
    case 2:
      return replace(to.tensors, from.tensors, random);
    case 3:
      return replace(to.types, from.types, random);
    default:
      return model.mutable_graph()->MergeFrom(copy.graph());
  }
}

}  // namespace memopt::fuzz
