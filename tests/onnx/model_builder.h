// Small ONNX models made in code, written to a temporary folder, imported and run.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "compiler/onnx/import.h"
#include "onnx_schema/onnx-ml.pb.h"

namespace memopt::testing {

// A folder that is removed with its content.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Writes bytes; returns the path.
  std::string write(const std::string& name, const std::string& bytes) const;

 private:
  std::filesystem::path folder_;
};

onnx::AttributeProto attr(const std::string& name, int64_t value);
onnx::AttributeProto attr(const std::string& name, int value);
onnx::AttributeProto attr(const std::string& name, double value);
onnx::AttributeProto attr(const std::string& name, const char* value);
onnx::AttributeProto attr(const std::string& name, const std::vector<int64_t>& values);
onnx::AttributeProto attr(const std::string& name, const std::vector<float>& values);
onnx::AttributeProto attr(const std::string& name, const onnx::GraphProto& graph);
onnx::AttributeProto attr(const std::string& name, const onnx::TensorProto& tensor);

onnx::TensorProto float_tensor(const std::string& name, const std::vector<int64_t>& dims,
                               const std::vector<float>& values);
onnx::TensorProto int_tensor(const std::string& name, const std::vector<int64_t>& dims,
                             const std::vector<int64_t>& values);

// Adds to a graph (a model's, or a subgraph).
class GraphMaker {
 public:
  explicit GraphMaker(onnx::GraphProto& graph) : graph_(graph) {}
  // Dimensions: "2", "N" or "?" (unknown).
  GraphMaker& input(const std::string& name, const std::vector<std::string>& dims,
                    int type = onnx::TensorProto::FLOAT);
  GraphMaker& output(const std::string& name);
  GraphMaker& initializer(onnx::TensorProto tensor);
  onnx::NodeProto& node(const std::string& op_type, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& outputs,
                        std::vector<onnx::AttributeProto> attributes = {});

 private:
  onnx::GraphProto& graph_;
};

struct ModelHolder {
  onnx::ModelProto proto;
};

// The proto is a base so that it exists before the GraphMaker that refers to it.
struct Model : ModelHolder, GraphMaker {
  explicit Model(int64_t opset = 18);
  Model(const Model&) = delete;

  Result<ImportedModel> import(const ImportOptions& options = {}) const;
};

// Runs the graph on f32 inputs with the reference kernels; returns the outputs as doubles.
std::vector<std::vector<double>> run(const Graph& graph,
                                     const std::vector<std::vector<float>>& inputs);

// The operators of the graph in order, as labels.
using Labels = std::vector<std::string>;
Labels labels(const Graph& graph);

// Empty where the import worked.
std::string message_of(const Result<ImportedModel>& result);

// For EXPECT_TRUE: whether `text` contains `part`.
::testing::AssertionResult has_text(const std::string& text, const std::string& part);

}  // namespace memopt::testing
