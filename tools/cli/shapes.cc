#include "tools/cli/shapes.h"

#include <algorithm>
#include <filesystem>

#include "runtime/base/npy.h"
#include "tools/cli/test_data.h"

namespace memopt {
namespace {

namespace fs = std::filesystem;

ExampleShape shape_of(std::string name, const TensorData& tensor, bool has_position) {
  return {.name = std::move(name),
          .dims = {tensor.type.dims.begin(), tensor.type.dims.end()},
          .has_position = has_position};
}

}  // namespace

Result<std::vector<ExampleShape>> read_example_shapes(const std::string& folder) {
  std::error_code error;
  std::vector<fs::path> arrays;
  fs::directory_iterator entries(folder, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    if (entries->path().extension() == ".npy") arrays.push_back(entries->path());
  }
  if (error) {
    return Error{Code::kUsage, "--shapes-from: '" + folder + "': " + error.message()};
  }
  std::sort(arrays.begin(), arrays.end());
  std::vector<ExampleShape> shapes;
  if (arrays.empty() || fs::exists(fs::path(folder) / "input_0.pb", error)) {
    const Result<TestData> data = read_test_data(folder);
    if (!data.ok()) return in_context("--shapes-from", data.error());
    for (const TensorData& tensor : data->inputs) {
      shapes.push_back(shape_of(tensor.name, tensor, /*has_position=*/true));
    }
    return shapes;
  }
  for (const fs::path& path : arrays) {
    const Result<TensorData> tensor = read_npy(path);
    if (!tensor.ok()) return in_context("--shapes-from", tensor.error());
    shapes.push_back(shape_of(path.stem().string(), *tensor, /*has_position=*/false));
  }
  return shapes;
}

}  // namespace memopt
