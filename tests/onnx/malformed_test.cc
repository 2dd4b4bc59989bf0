// Files that no exporter wrote: never a crash, always an answer.
#include <gtest/gtest.h>

#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

// A model with a bit of everything: weights of both kinds, a subgraph, a function, attributes.
std::string sample() {
  Model model;
  model.input("x", {"1", "1", "4", "4"}).input("c", {}, onnx::TensorProto::BOOL).output("y");
  model.initializer(float_tensor("w", {1, 1, 3, 3}, std::vector<float>(9, 1)));
  model.initializer(int_tensor("shape", {2}, {1, -1}));
  model.node("Conv", {"x", "w"}, {"t"}, {attr("pads", std::vector<int64_t>{1, 1, 1, 1})});
  onnx::GraphProto branches[2];
  for (int i = 0; i < 2; ++i) {
    GraphMaker(branches[i]).output("o").node(i ? "Relu" : "Abs", {"t"}, {"o"});
  }
  model.node("If", {"c"}, {"u"},
             {attr("then_branch", branches[0]), attr("else_branch", branches[1])});
  model.node("Reshape", {"u", "shape"}, {"y"});
  return model.proto.SerializeAsString();
}

TEST(Malformed, TruncationAtEveryByteIsAnError) {
  const TemporaryFolder folder;
  const std::string text = sample();
  int accepted = 0;
  for (size_t length = 0; length < text.size(); ++length) {
    accepted += import_onnx(folder.write("m.onnx", text.substr(0, length))).ok();
  }
  // A cut between two fields leaves a smaller message that may be a model; not many do.
  EXPECT_LE(accepted, 2);
}

TEST(Malformed, BitFlipsNeverCrash) {
  const TemporaryFolder folder;
  const std::string text = sample();
  for (size_t i = 0; i < text.size(); ++i) {
    for (const int mask : {0x01, 0x04, 0x10, 0x80, 0xff}) {
      std::string flipped = text;
      flipped[i] = static_cast<char>(flipped[i] ^ mask);
      (void)import_onnx(folder.write("m.onnx", flipped)).ok();
    }
  }
}

// Every integer in attributes, dimensions and shape operands becomes each of these.
constexpr int64_t kHostile[] = {0,
                                -1,
                                1,
                                127,
                                int64_t{1} << 31,
                                (int64_t{1} << 40) + 1,
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min()};

void import_mutant(const Model& model) {
  ImportOptions options;
  (void)model.import(options).ok();
}

TEST(Malformed, HostileWindowsNeverCrash) {
  for (const char* op : {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "LpPool"}) {
    for (const char* name :
         {"strides", "dilations", "pads", "kernel_shape", "output_padding", "output_shape"}) {
      for (const int64_t value : kHostile) {
        for (const size_t count : {0, 2, 4}) {
          Model model;
          model.input("x", {"1", "1", "4", "4"}).output("y");
          model.initializer(float_tensor("w", {1, 1, 2, 2}, {1, 1, 1, 1}));
          std::vector<std::string> inputs{"x"};
          if (op[0] == 'C') inputs.push_back("w");
          std::vector<onnx::AttributeProto> attributes{
              attr(name, std::vector<int64_t>(count, value))};
          if (op[0] != 'C' && std::string(name) != "kernel_shape") {
            attributes.push_back(attr("kernel_shape", std::vector<int64_t>{2, 2}));
          }
          model.node(op, inputs, {"y"}, attributes);
          import_mutant(model);
        }
      }
    }
  }
}

TEST(Malformed, HostileShapeOperandsNeverCrash) {
  for (const char* op : {"Reshape", "Expand", "Tile", "ConstantOfShape", "Squeeze", "Unsqueeze",
                         "Pad", "Slice", "TopK", "Split", "ReduceSum", "Resize"}) {
    for (const int64_t value : kHostile) {
      for (const size_t count : {0, 1, 2, 4, 9}) {
        Model model;
        model.input("x", {"2", "3"}).output("y");
        model.initializer(
            int_tensor("s", {static_cast<int64_t>(count)}, std::vector<int64_t>(count, value)));
        std::vector<std::string> inputs{"x", "s"};
        if (std::string(op) == "ConstantOfShape") inputs = {"s"};
        if (std::string(op) == "Slice") inputs = {"x", "s", "s", "", "s"};
        if (std::string(op) == "Resize") inputs = {"x", "", "", "s"};
        model.node(op, inputs, {"y"});
        import_mutant(model);
      }
    }
  }
}

TEST(Malformed, HostileScalarAttributesNeverCrash) {
  const std::pair<const char*, const char*> attributes[] = {{"Softmax", "axis"},
                                                            {"Flatten", "axis"},
                                                            {"Gather", "axis"},
                                                            {"Concat", "axis"},
                                                            {"DepthToSpace", "blocksize"},
                                                            {"SpaceToDepth", "blocksize"},
                                                            {"LRN", "size"},
                                                            {"Cast", "to"},
                                                            {"ArgMax", "axis"},
                                                            {"LpNormalization", "p"},
                                                            {"GlobalLpPool", "p"},
                                                            {"Split", "num_outputs"},
                                                            {"Shape", "start"},
                                                            {"QuantizeLinear", "axis"},
                                                            {"QuantizeLinear", "block_size"},
                                                            {"GatherND", "batch_dims"},
                                                            {"LayerNormalization", "axis"},
                                                            {"LayerNormalization", "stash_type"},
                                                            {"GroupNormalization", "num_groups"},
                                                            {"ScatterElements", "axis"},
                                                            {"OneHot", "axis"},
                                                            {"EyeLike", "k"},
                                                            {"EyeLike", "dtype"},
                                                            {"ReverseSequence", "time_axis"},
                                                            {"ReverseSequence", "batch_axis"},
                                                            {"CumSum", "reverse"}};
  for (const auto& [op, name] : attributes) {
    for (const int64_t value : kHostile) {
      Model model(21);
      model.input("x", {"2", "4", "2", "2"}).output("y");
      model.initializer(float_tensor("s", {4}, {1, 1, 1, 1}));
      model.initializer(int_tensor("i", {1}, {0}));
      std::vector<std::string> inputs{"x"};
      if (std::string(op).starts_with("Gather")) inputs.push_back("i");
      if (std::string(op) == "QuantizeLinear" || std::string(op) == "LayerNormalization") {
        inputs.push_back("s");
      }
      if (std::string(op) == "GroupNormalization") inputs = {"x", "s", "s"};
      if (std::string(op) == "ScatterElements") inputs = {"x", "i", "x"};
      if (std::string(op) == "OneHot") inputs = {"x", "i", "s"};
      if (std::string(op) == "ReverseSequence" || std::string(op) == "CumSum") inputs = {"x", "i"};
      model.node(op, inputs, {"y"}, {attr(name, value)});
      import_mutant(model);
    }
  }
}

TEST(Malformed, DeepNestingIsAnError) {
  // 2000 graphs, each in an attribute of a node of the next, as raw wire format.
  std::string graph;
  const auto wrap = [](char tag, const std::string& inner) {
    std::string out(1, tag);
    for (size_t n = inner.size();; n >>= 7) {
      if (n < 0x80) {
        out += static_cast<char>(n);
        break;
      }
      out += static_cast<char>(n | 0x80);
    }
    return out + inner;
  };
  for (int i = 0; i < 2000; ++i) graph = wrap(0x0a, wrap(0x2a, wrap(0x32, graph)));
  const TemporaryFolder folder;
  const auto imported = import_onnx(folder.write("m.onnx", wrap(0x3a, graph)));
  EXPECT_TRUE(has_text(message_of(imported), "nested too deeply"));
}

TEST(Malformed, WhatIsNoFileIsAnError) {
  const TemporaryFolder folder;
  EXPECT_TRUE(has_text(message_of(import_onnx(folder.path("missing.onnx"))), "cannot open"));
  EXPECT_TRUE(has_text(message_of(import_onnx(folder.path(""))), "not a regular file"));
  EXPECT_TRUE(has_text(message_of(import_onnx("/dev/zero")), "not a regular file"));
  EXPECT_FALSE(import_onnx(folder.write("empty.onnx", "")).ok());
  EXPECT_FALSE(import_onnx(folder.write("text.onnx", "this is no model")).ok());
}

}  // namespace
}  // namespace memopt::testing
