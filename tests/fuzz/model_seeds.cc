#include "tests/fuzz/model_seeds.h"

#include <filesystem>
#include <optional>

#include "compiler/onnx/export.h"
#include "runtime/base/file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/sample_graph.h"

namespace memopt::fuzz {
namespace {

std::optional<onnx::ModelProto> exported(const testing::Sample& sample) {
  const auto graph = testing::sample_graph(sample, true);
  if (!graph.ok()) return std::nullopt;
  const std::string path = file_with({}) + ".onnx";
  if (!export_onnx(*graph, {}, path).ok()) return std::nullopt;
  const auto bytes = read_file(path, 1 << 20);
  std::filesystem::remove(path);
  onnx::ModelProto model;
  const bool is_model =
      bytes.ok() && model.ParseFromArray(bytes->data(), static_cast<int>(bytes->size()));
  return is_model ? std::optional(std::move(model)) : std::nullopt;
}

}  // namespace

const std::vector<std::pair<std::string, onnx::ModelProto>>& model_seeds() {
  static const auto kSeeds = [] {
    std::vector<std::pair<std::string, onnx::ModelProto>> seeds;
    for (const testing::Sample& sample : testing::all_samples()) {
      auto model = exported(sample);
      if (model) seeds.emplace_back(sample.name, *std::move(model));
    }
    return seeds;
  }();
  return kSeeds;
}

}  // namespace memopt::fuzz
