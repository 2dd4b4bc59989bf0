// Corners of import: names that are missing, outputs that are inputs or listed twice, declarations
// that contradict the nodes, and files that are no models.
#include <gtest/gtest.h>

#include <functional>

#include "compiler/ir/text.h"
#include "compiler/onnx/export.h"
#include "compiler/onnx/file_kind.h"
#include "passes/compile.h"
#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

struct Place {
  const char* name;
  std::function<void(Model&)> spoil;  // of a valid model
};

onnx::FunctionProto& add_function(Model& model) {
  onnx::FunctionProto& function = *model.proto.add_functions();
  function.set_domain("local");
  function.set_name("f");
  function.add_input("a");
  function.add_output("b");
  function.add_opset_import()->set_version(18);
  onnx::NodeProto& node = *function.add_node();
  node.set_op_type("Relu");
  node.add_input("a");
  node.add_output("b");
  return function;
}

TEST(EmptyNames, AreRefusedWhereverAValueIsDeclared) {
  const std::vector<Place> places = {
      {"initializer", [](Model& m) { m.initializer(float_tensor("", {1}, {1})); }},
      {"sparse initializer",
       [](Model& m) {
         auto& sparse = *m.proto.mutable_graph()->add_sparse_initializer();
         *sparse.mutable_values() = float_tensor("", {1}, {1});
         *sparse.mutable_indices() = int_tensor("", {1}, {0});
         sparse.add_dims(4);
       }},
      {"input", [](Model& m) { m.input("", {"2"}); }},
      {"output", [](Model& m) { m.output(""); }},
      {"output and initializer",
       [](Model& m) { m.initializer(float_tensor("", {1}, {1})).output(""); }},
      {"a function's parameter", [](Model& m) { add_function(m).set_input(0, ""); }},
      {"a function's result", [](Model& m) { add_function(m).set_output(0, ""); }},
      {"a subgraph's output",
       [](Model& m) {
         onnx::GraphProto branch;
         GraphMaker(branch).initializer(float_tensor("v", {1}, {1})).output("");
         m.input("c", {}, onnx::TensorProto::BOOL).output("z");
         m.node("If", {"c"}, {"z"}, {attr("then_branch", branch), attr("else_branch", branch)});
       }},
      {"a subgraph's initializer",
       [](Model& m) {
         onnx::GraphProto branch;
         GraphMaker(branch).initializer(float_tensor("", {1}, {1})).output("x");
         m.input("c", {}, onnx::TensorProto::BOOL).output("z");
         m.node("If", {"c"}, {"z"}, {attr("then_branch", branch), attr("else_branch", branch)});
       }},
  };
  for (const Place& place : places) {
    Model model;
    model.input("x", {"2"}).output("y");
    model.node("Relu", {"x"}, {"y"});
    ASSERT_TRUE(model.import().ok());
    place.spoil(model);
    const auto imported = model.import();
    EXPECT_FALSE(imported.ok()) << place.name;
    if (imported.ok()) continue;
    EXPECT_EQ(imported.error().code, Code::kBadInput) << place.name;
    EXPECT_TRUE(has_text(message_of(imported), "without a name")) << place.name;
  }
}

TEST(Outputs, AnInputThatIsAnOutputKeepsItsName) {
  Model model;
  model.input("x", {"2"}).output("x").output("y");
  model.node("Relu", {"x"}, {"y"});
  const auto imported = model.import();
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  const Graph& graph = imported->graph;
  EXPECT_EQ(graph.output_name(0), "x");
  EXPECT_NE(graph.outputs()[0], graph.inputs()[0]) << "it has bytes of its own";
  EXPECT_EQ(graph.output_name(1), "y");
  const std::string text = print_graph(graph);
  const auto parsed = parse_graph(text);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  EXPECT_EQ(parsed->output_name(0), "x");
  EXPECT_EQ(print_graph(*parsed), text);

  const TemporaryFolder folder;
  ASSERT_TRUE(export_onnx(graph, {}, folder.path("out.onnx")).ok());
  const auto again = import_onnx(folder.path("out.onnx"));
  ASSERT_TRUE(again.ok()) << message_of(again);
  EXPECT_EQ(again->graph.output_name(0), "x");
  EXPECT_EQ(again->graph.output_name(1), "y");
  EXPECT_EQ(labels(again->graph), labels(graph)) << "no node in the file for what is passed on";
}

TEST(Outputs, WhatIsListedTwiceIsOneValueTwice) {
  for (const bool is_input : {false, true}) {
    Model model;
    const std::string name = is_input ? "x" : "y";
    model.input("x", {"2"}).output(name).output("z").output(name);
    model.node("Relu", {"x"}, {"y"});
    model.node("Neg", {"y"}, {"z"});
    const auto imported = model.import();
    ASSERT_TRUE(imported.ok()) << message_of(imported);
    const Graph& graph = imported->graph;
    ASSERT_EQ(graph.outputs().size(), 3u);
    EXPECT_EQ(graph.outputs()[0], graph.outputs()[2]);
    EXPECT_EQ(graph.output_name(0), name);
    EXPECT_EQ(graph.output_name(1), "z");
  }
}

TEST(Outputs, WhatIsListedTwiceCompilesWhoeverOwnsTheOutputs) {
  for (const bool io_in_arena : {true, false}) {
    Model model;
    model.input("x", {"2"}).output("y").output("y").output("y").output("x");
    model.node("Relu", {"x"}, {"y"});
    auto imported = model.import();
    ASSERT_TRUE(imported.ok()) << message_of(imported);
    CompileOptions options;
    options.kernels.target = {.isa = host_isa()};
    options.buffers.io_in_arena = io_in_arena;
    const auto compiled = compile_graph(std::move(imported->graph), options);
    ASSERT_TRUE(compiled.ok()) << compiled.error().message;
    const Plan& plan = (*compiled)->plan();
    ASSERT_EQ(plan.outputs.size(), 4u);
    EXPECT_EQ(plan.values[plan.outputs[0]].name, "y");
    EXPECT_EQ(plan.outputs[0] == plan.outputs[1], io_in_arena);
    EXPECT_EQ(plan.values[plan.outputs[3]].name, "x");
  }
}

TEST(Declarations, ThatContradictTheNodesAreRefusedWithBoth) {
  struct Declared {
    int type;
    std::vector<std::string> dims;
    bool agrees;
  };
  const std::vector<Declared> declared = {
      {onnx::TensorProto::FLOAT, {"2", "3"}, true},
      {onnx::TensorProto::FLOAT, {"N", "3"}, true},
      {onnx::TensorProto::FLOAT, {"?", "?"}, true},
      {onnx::TensorProto::UNDEFINED, {"2", "3"}, true},
      {onnx::TensorProto::INT64, {"2", "3"}, false},
      {onnx::TensorProto::FLOAT16, {"2", "3"}, false},
      {onnx::TensorProto::STRING, {"2", "3"}, false},
      {99, {"2", "3"}, false},
      {onnx::TensorProto::FLOAT, {"2", "4"}, false},
      {onnx::TensorProto::FLOAT, {"N", "4"}, false},
      {onnx::TensorProto::FLOAT, {"2"}, false},
      {onnx::TensorProto::FLOAT, {"2", "3", "1"}, false},
      {onnx::TensorProto::FLOAT, {}, false},
  };
  for (const Declared& one : declared) {
    Model model;
    model.input("x", {"2", "3"}).output("y");
    model.node("Relu", {"x"}, {"y"});
    auto& tensor =
        *model.proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(one.type);
    tensor.mutable_shape();
    for (const std::string& dim : one.dims) {
      auto& proto = *tensor.mutable_shape()->add_dim();
      if (dim == "N") {
        proto.set_dim_param(dim);
      } else if (dim != "?") {
        proto.set_dim_value(std::stoll(dim));
      }
    }
    const auto imported = model.import();
    EXPECT_EQ(imported.ok(), one.agrees) << one.type << ' ' << one.dims.size();
    if (imported.ok()) continue;
    EXPECT_EQ(imported.error().code, Code::kBadInput);
    EXPECT_TRUE(has_text(message_of(imported), "output 'y' is declared as"));
    EXPECT_TRUE(has_text(message_of(imported), "f32[2x3]"));
  }
}

// ONNX's own shape inference gives the last window of a pool with ceil_mode even where it begins
// behind the input: such an output is taken, and said. Other ranks and types never are.
TEST(Declarations, OfDisputedExtentsAreNoted) {
  for (const char* declared : {"4", "5"}) {
    for (const bool ceil_mode : {false, true}) {
      Model model;
      model.input("x", {"1", "1", "7"}).output("y");
      onnx::NodeProto& node = model.node("MaxPool", {"x"}, {"y"});
      const auto attribute = [&](const char* name, int64_t value, bool list) {
        auto& added = *node.add_attribute();
        added.set_name(name);
        added.set_type(list ? onnx::AttributeProto::INTS : onnx::AttributeProto::INT);
        if (list) {
          added.add_ints(value);
        } else {
          added.set_i(value);
        }
      };
      attribute("kernel_shape", 1, true);
      attribute("strides", 2, true);
      if (ceil_mode) attribute("ceil_mode", 1, false);
      auto& tensor =
          *model.proto.mutable_graph()->mutable_output(0)->mutable_type()->mutable_tensor_type();
      tensor.set_elem_type(onnx::TensorProto::FLOAT);
      for (const char* dim : {"1", "1", declared}) {
        tensor.mutable_shape()->add_dim()->set_dim_value(std::stoll(dim));
      }
      const auto imported = model.import();
      const bool agrees = std::string(declared) == "4";
      EXPECT_EQ(imported.ok(), agrees || ceil_mode);
      if (!imported.ok()) continue;
      ASSERT_EQ(imported->notes.size(), agrees ? 0u : 1u);
      if (!agrees) EXPECT_TRUE(has_text(imported->notes[0], "its nodes make it f32[1x1x4]"));
    }
  }
}

TEST(Functions, ThatCallThemselvesOrEachOtherAreRefused) {
  for (const int length : {1, 2, 3}) {
    Model model;
    model.proto.add_opset_import()->set_domain("local");
    model.proto.mutable_opset_import(1)->set_version(1);
    model.input("x", {"2"}).output("y");
    for (int i = 0; i < length; ++i) {
      onnx::FunctionProto& function = add_function(model);
      function.set_name("f" + std::to_string(i));
      function.mutable_node(0)->set_op_type("f" + std::to_string((i + 1) % length));
      function.mutable_node(0)->set_domain("local");
    }
    model.node("f0", {"x"}, {"y"}).set_domain("local");
    EXPECT_TRUE(has_text(message_of(model.import()), "calls itself")) << length;
  }
}

TEST(Functions, WithTwoParametersOfOneNameAreRefused) {
  Model model;
  model.input("x", {"2"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  add_function(model).add_input("a");
  EXPECT_TRUE(has_text(message_of(model.import()), "two parameters 'a'"));
}

TEST(ForeignFiles, AreNamed) {
  const auto at = [](size_t offset, const std::string& text) {
    std::string bytes(512, '\0');
    return bytes.replace(offset, text.size(), text);
  };
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> files = {
      {"", "empty"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git-lfs"},
      {"<!DOCTYPE html><html><body>404</body></html>", "HTML"},
      {"\n  <HTML>\n<head></head></html>", "HTML"},
      {"<?xml version=\"1.0\"?><Error>AccessDenied</Error>", "XML"},
      {"{\"error\": \"not found\"}", "JSON"},
      {"Not Found\n", "text"},
      {"PK\x03\x04\x14\0\0\0\x08\0archive/data.pkl"s, "zip"},
      {"\x1f\x8b\x08\0\0\0\0\0\0\x03"s, "gzip"},
      {"BZh91AY&SY", "bzip2"},
      {"\xfd"
       "7zXZ\0\0\x04"s,
       "xz"},
      {"\x28\xb5\x2f\xfd\x04\x88"s, "zstd"},
      {at(257, "ustar"), "tar"},
      {"\x80\x02}q\x01(X\x03\0\0\0fc1"s, "pickle"},
      {"\x80\x04\x95\x0b\0\0\0"s, "pickle"},
      {"\x40\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"F32\"}}"s, "safetensors"},
      {"\x1c\0\0\0TFL3\x14\0\x20\0"s, "TFLite"},
      {"\x20\0\0\0ORTM\0\0\0\0"s, "ONNX Runtime"},
      {"\x89HDF\r\n\x1a\n\0\0"s, "HDF5"},
      {"GGUF\x03\0\0\0"s, "GGUF"},
      {"\x89MEMOPT\n\x01\0\0\0"s, "memopt plan"},
      {"\x93NUMPY\x01\0v\0"s, "NumPy"},
      {"graph \"g\" {\n}\n", "memopt-opt"},
  };
  const TemporaryFolder folder;
  for (const auto& [bytes, kind] : files) {
    const auto imported = import_onnx(folder.write("model.onnx", bytes));
    ASSERT_FALSE(imported.ok()) << kind;
    EXPECT_EQ(imported.error().code, Code::kBadInput) << kind;
    EXPECT_TRUE(has_text(imported.error().message, kind));
    EXPECT_TRUE(has_text(imported.error().message, "model.onnx"));
  }
}

TEST(ForeignFiles, OnesThatLookLikeNothingAreNotGuessed) {
  const std::string bytes = "\x01\x02\xff\xfe\x03";
  EXPECT_EQ(foreign_file_hint(std::as_bytes(std::span(bytes))), "");
}

}  // namespace
}  // namespace memopt::testing
