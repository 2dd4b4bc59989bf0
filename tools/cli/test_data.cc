#include "tools/cli/test_data.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "compiler/onnx/tensor_file.h"
#include "runtime/base/file.h"
#include "tools/cli/seeded.h"

namespace memopt {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int64_t kMaxJsonBytes = 16 << 20;

std::optional<DType> numpy_dtype(const std::string& name) {
  static constexpr std::pair<std::string_view, DType> kNames[] = {
      {"float32", DType::kF32}, {"float64", DType::kF64}, {"float16", DType::kF16},
      {"int8", DType::kI8},     {"int16", DType::kI16},   {"int32", DType::kI32},
      {"int64", DType::kI64},   {"uint8", DType::kU8},    {"uint16", DType::kU16},
      {"uint32", DType::kU32},  {"uint64", DType::kU64},  {"bool", DType::kBool},
  };
  for (const auto& [known, dtype] : kNames) {
    if (known == name) return dtype;
  }
  return std::nullopt;
}

// An input as io.json describes it: name, dtype, shape and generator.
Result<TensorData> generate(const json& item) {
  const Error malformed = bad_input("malformed description of an input");
  try {
    const std::optional<DType> dtype = numpy_dtype(item.value("dtype", "float32"));
    const auto shape = item.at("shape").get<std::vector<int64_t>>();
    const json& generator = item.at("gen");
    const auto& algorithm = generator.at("alg").get_ref<const std::string&>();
    if (!dtype || shape.size() > kMaxRank || algorithm != "splitmix64-u24") {
      return malformed;
    }
    const TensorType type{.dtype = *dtype, .dims = Dims(shape)};
    if (!is_valid_type(type)) return malformed;
    TensorData tensor = seeded_tensor(type, {generator.at("seed"), generator.at("stream"),
                                             generator.at("lo"), generator.at("hi")});
    tensor.name = item.value("name", "");
    return tensor;
  } catch (const json::exception&) {
    return malformed;
  }
}

// False also where the path cannot be looked at: what needs the file says so.
bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

Result<json> read_json(const fs::path& path) {
  if (!is_there(path)) return json::object();
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, read_file(path, kMaxJsonBytes));
  const auto* const begin = reinterpret_cast<const char*>(bytes.data());
  json parsed = json::parse(begin, begin + bytes.size(), nullptr, false);
  if (!parsed.is_object()) return bad_input(path.string() + ": not a JSON object");
  return parsed;
}

// Entry `index` of list `key`, or null.
json entry(const json& description, const std::string& key, size_t index) {
  const auto list = description.find(key);
  if (list == description.end() || !list->is_array() || index >= list->size()) return nullptr;
  return (*list)[index];
}

int64_t sample_stride(const json& output) {
  if (!output.is_object()) return 0;
  const auto sample = output.find("sample");
  if (sample == output.end() || !sample->is_object()) return 0;
  const auto stride = sample->find("stride");
  return stride != sample->end() && stride->is_number_integer() ? stride->get<int64_t>() : 0;
}

}  // namespace

Result<TestData> read_test_data(const std::string& folder) {
  const fs::path path(folder);
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    return bad_input(folder + ": not a folder" + (error ? " (" + error.message() + ')' : ""));
  }
  const fs::path above = fs::absolute(path / "", error).parent_path().parent_path();
  const fs::path description_path = above / "io.json";
  MEMOPT_ASSIGN_OR_RETURN(json description, read_json(description_path));
  // One input may be described by itself.
  if (description.contains("input")) description["inputs"] = json::array({description["input"]});
  TestData data;
  for (size_t k = 0;; ++k) {
    const fs::path file = path / ("input_" + std::to_string(k) + ".pb");
    if (is_there(file)) {
      MEMOPT_ASSIGN_OR_RETURN(TensorData tensor, read_tensor_pb(file));
      data.inputs.push_back(std::move(tensor));
      continue;
    }
    const json item = entry(description, "inputs", k);
    if (item.is_null()) break;
    Result<TensorData> made = generate(item);
    if (!made.ok()) return in_context(description_path.string(), made.error());
    data.inputs.push_back(*std::move(made));
  }
  for (size_t k = 0;; ++k) {
    const fs::path file = path / ("output_" + std::to_string(k) + ".pb");
    const fs::path sample = path / ("output_" + std::to_string(k) + ".sample.pb");
    if (is_there(file)) {
      MEMOPT_ASSIGN_OR_RETURN(TensorData tensor, read_tensor_pb(file));
      data.outputs.push_back({std::move(tensor), 1});
    } else if (is_there(sample)) {
      const int64_t stride = sample_stride(entry(description, "outputs", k));
      if (stride < 1) return bad_input(sample.string() + ": io.json gives no stride for it");
      MEMOPT_ASSIGN_OR_RETURN(TensorData tensor, read_tensor_pb(sample));
      data.outputs.push_back({std::move(tensor), stride});
    } else {
      break;
    }
  }
  if (data.inputs.empty() && data.outputs.empty()) {
    return bad_input(folder + ": neither input_0.pb nor output_0.pb is there");
  }
  return data;
}

}  // namespace memopt
