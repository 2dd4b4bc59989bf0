// Small files that ask for much: each by one mechanism, read by every tool that reads such a file.
// Whatever they ask for, a tool ends within ten seconds of work and half a gibibyte, with a plan or
// with exit 3.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/onnx/model_builder.h"
#include "tests/support/sanitizer.h"

namespace memopt::testing {
namespace {

constexpr rlim_t kMaxSeconds = 10 * kSanitizerFactor;
constexpr int64_t kMaxResidentBytes = (int64_t{512} << 20) * kSanitizerFactor;

struct Ended {
  int exit_status = -1;  // -1: by a signal, SIGXCPU for one
  int signal = 0;
  int64_t resident_bytes = 0;
  std::string messages;
};

Ended run_tool(const std::vector<std::string>& command, const std::string& log) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{kMaxSeconds, kMaxSeconds};
    setrlimit(RLIMIT_CPU, &limit);
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDOUT_FILENO);
    dup2(file, STDERR_FILENO);
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& argument : command) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  Ended ended;
  if (WIFEXITED(status)) ended.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  ended.resident_bytes = int64_t{usage.ru_maxrss} << 10;
  std::string text(4096, '\0');
  const int file = open(log.c_str(), O_RDONLY);
  const ssize_t count = read(file, text.data(), text.size());
  close(file);
  text.resize(count > 0 ? static_cast<size_t>(count) : 0);
  ended.messages = text;
  return ended;
}

std::string tool(const std::string& name) {
  return std::string(MEMOPT_BIN_DIR) + "/memopt-" + name;
}

void expect_bounded(const std::vector<std::string>& command, const TemporaryFolder& folder) {
  const Ended ended = run_tool(command, folder.path("log"));
  std::string text;
  for (const std::string& word : command) text += word + ' ';
  EXPECT_TRUE(ended.exit_status == 0 || ended.exit_status == 3)
      << text << ": exit " << ended.exit_status << ", signal " << ended.signal << '\n'
      << ended.messages;
  EXPECT_LE(ended.resident_bytes, kMaxResidentBytes) << text << '\n' << ended.messages;
}

// --- models ---

using Make = std::function<void(Model&)>;

onnx::SparseTensorProto empty_sparse(const std::string& name, int64_t elements) {
  onnx::SparseTensorProto sparse;
  sparse.mutable_values()->set_name(name);
  sparse.mutable_values()->set_data_type(onnx::TensorProto::FLOAT);
  sparse.mutable_values()->add_dims(0);
  sparse.mutable_values()->set_raw_data("");
  sparse.mutable_indices()->set_data_type(onnx::TensorProto::INT64);
  sparse.mutable_indices()->add_dims(0);
  sparse.mutable_indices()->set_raw_data("");
  sparse.add_dims(elements);
  return sparse;
}

void sparse_initializer(Model& model, int64_t elements) {
  model.input("x", {"1"}).output("y");
  *model.proto.mutable_graph()->add_sparse_initializer() = empty_sparse("w", elements);
  model.node("Add", {"x", "w"}, {"y"});
}

void sparse_value(Model& model) {
  model.input("x", {"1"}).output("y");
  onnx::AttributeProto value;
  value.set_name("sparse_value");
  value.set_type(onnx::AttributeProto::SPARSE_TENSOR);
  *value.mutable_sparse_tensor() = empty_sparse("", int64_t{1} << 31);
  model.node("Constant", {}, {"w"}, {value});
  model.node("Add", {"x", "w"}, {"y"});
}

// A scalar that meets a tensor of many channels.
void scalar_to_channels(Model& model, const char* op) {
  model.input("x", {"1", "536870912"}).output("y");
  model.initializer(float_tensor("c", {}, {2}));
  model.node(op, {"x", "c"}, {"y"});
}

void range(Model& model, int64_t count) {
  model.input("x", {"1"}, onnx::TensorProto::INT64).output("y");
  model.initializer(int_tensor("start", {}, {0}));
  model.initializer(int_tensor("limit", {}, {count}));
  model.initializer(int_tensor("delta", {}, {1}));
  model.node("Range", {"start", "limit", "delta"}, {"r"});
  model.node("Add", {"x", "r"}, {"y"});
}

// `count` constants of `elements` each, by an operator that makes much of little, added up.
void constants_of_shape(Model& model, int count, int64_t elements, bool through_expand) {
  model.input("x", {"1"}).output("y");
  model.initializer(int_tensor("shape", {1}, {elements}));
  model.initializer(float_tensor("one", {1}, {1}));
  std::string sum = "x";
  for (int i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    if (through_expand) {
      model.initializer(float_tensor("v" + n, {1}, {static_cast<float>(i)}));
      model.node("Expand", {"v" + n, "shape"}, {"c" + n});
    } else {
      const auto value = attr("value", float_tensor("", {1}, {static_cast<float>(i)}));
      model.node("ConstantOfShape", {"shape"}, {"c" + n}, {value});
    }
    const std::string next = i + 1 == count ? "y" : "s" + n;
    model.node("Add", {sum, "c" + n}, {next});
    sum = next;
  }
}

void convolution_weights_of_shape(Model& model) {
  model.input("x", {"1", "1024", "8", "8"}).output("y");
  model.initializer(int_tensor("shape", {4}, {8192, 1024, 4, 4}));
  model.node("ConstantOfShape", {"shape"}, {"w"});
  model.node("Conv", {"x", "w"}, {"y"});
}

void folded_products(Model& model) {
  model.input("x", {"1"}).output("y");
  model.initializer(int_tensor("shape", {2}, {512, 512}));
  model.node("ConstantOfShape", {"shape"}, {"big"});
  std::string sum = "x";
  for (int i = 0; i < 400; ++i) {
    const std::string n = std::to_string(i);
    model.node("MatMul", {"big", "big"}, {"p" + n});
    model.node("ReduceSum", {"p" + n}, {"r" + n}, {attr("keepdims", 0)});
    const std::string next = i == 399 ? "y" : "s" + n;
    model.node("Add", {sum, "r" + n}, {next});
    sum = next;
  }
}

// One operator on a constant of a million elements, many times over.
void folded(Model& model, const char* op, int times,
            const std::vector<onnx::AttributeProto>& attributes) {
  model.input("x", {"1"}).output("y");
  model.initializer(int_tensor("shape", {4}, {1, 1, 1024, 200}));
  model.node("ConstantOfShape", {"shape"}, {"c0"}, {attr("value", float_tensor("", {1}, {0.5}))});
  for (int i = 0; i < times; ++i) {
    model.node(op, {"c" + std::to_string(i)}, {"c" + std::to_string(i + 1)}, attributes);
  }
  model.node("ReduceSum", {"c" + std::to_string(times)}, {"r"}, {attr("keepdims", 0)});
  model.node("Add", {"x", "r"}, {"y"});
}

onnx::FunctionProto& function(Model& model, const std::string& name, int inputs) {
  onnx::FunctionProto& function = *model.proto.add_functions();
  function.set_domain("local");
  function.set_name(name);
  for (int i = 0; i < inputs; ++i) function.add_input("i" + std::to_string(i));
  function.add_output("o");
  function.add_opset_import()->set_version(18);
  auto& local = *function.add_opset_import();
  local.set_domain("local");
  local.set_version(1);
  return function;
}

onnx::NodeProto& function_node(onnx::FunctionProto& function, const std::string& op,
                               const std::vector<std::string>& inputs, const std::string& output,
                               const char* domain = "") {
  onnx::NodeProto& node = *function.add_node();
  node.set_op_type(op);
  node.set_domain(domain);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  return node;
}

void import_local(Model& model) {
  auto& local = *model.proto.add_opset_import();
  local.set_domain("local");
  local.set_version(1);
}

// Functions that call the next one twice: 2^levels nodes.
void nested_calls(Model& model, int levels) {
  import_local(model);
  model.input("x", {"1"}).output("y");
  for (int level = 0; level < levels; ++level) {
    onnx::FunctionProto& f = function(model, "f" + std::to_string(level), 1);
    const std::string inner = level + 1 == levels ? "Relu" : "f" + std::to_string(level + 1);
    const char* domain = level + 1 == levels ? "" : "local";
    function_node(f, inner, {"i0"}, "a", domain);
    function_node(f, inner, {"a"}, "o", domain);
  }
  model.node("f0", {"x"}, {"y"}).set_domain("local");
}

// Names of calls become part of the names within: long ones, many times.
void long_names(Model& model) {
  import_local(model);
  model.input("x", {"1"}).output("y");
  onnx::FunctionProto& f = function(model, "f", 1);
  for (int i = 0; i < 2000; ++i) {
    const std::string from = i == 0 ? "i0" : "v" + std::to_string(i - 1);
    function_node(f, "Relu", {from}, i == 1999 ? "o" : "v" + std::to_string(i));
  }
  for (int i = 0; i < 10; ++i) {
    const std::string from = i == 0 ? "x" : "t" + std::to_string(i - 1);
    onnx::NodeProto& call = model.node("f", {from}, {i == 9 ? "y" : "t" + std::to_string(i)});
    call.set_domain("local");
    call.set_name(std::string(50'000, 'n') + std::to_string(i));
  }
}

void wide_calls(Model& model) {
  import_local(model);
  model.input("x", {"1"}).output("y");
  constexpr int kParameters = 20'000;
  onnx::FunctionProto& f = function(model, "f", kParameters);
  function_node(f, "Relu", {"i0"}, "o");
  onnx::FunctionProto& g = function(model, "g", 1);
  for (int i = 0; i < 5000; ++i) {
    const std::string from = i == 0 ? "i0" : "v" + std::to_string(i - 1);
    function_node(g, "f", {from}, i == 4999 ? "o" : "v" + std::to_string(i), "local");
  }
  model.node("g", {"x"}, {"y"}).set_domain("local");
}

// A constant within a function is a constant at each call.
void constants_in_calls(Model& model) {
  import_local(model);
  model.input("x", {"1"}).output("y");
  std::vector<onnx::FunctionProto*> levels;
  for (int level = 0; level < 5; ++level) {
    onnx::FunctionProto& f = function(model, "f" + std::to_string(level), 1);
    if (level == 4) {
      onnx::NodeProto& constant = function_node(f, "Constant", {}, "c");
      *constant.add_attribute() =
          attr("value", float_tensor("", {1000}, std::vector<float>(1000, 1)));
      function_node(f, "Add", {"i0", "c"}, "o");
      continue;
    }
    for (int i = 0; i < 16; ++i) {
      const std::string from = i == 0 ? "i0" : "v" + std::to_string(i - 1);
      function_node(f, "f" + std::to_string(level + 1), {from},
                    i == 15 ? "o" : "v" + std::to_string(i), "local");
    }
  }
  model.node("f0", {"x"}, {"y"}).set_domain("local");
}

// Functions in a long chain, none of which is called twice.
void call_chain(Model& model) {
  import_local(model);
  model.input("x", {"1"}).output("y");
  constexpr int kLength = 20'000;
  for (int i = 0; i < kLength; ++i) {
    onnx::FunctionProto& f = function(model, "f" + std::to_string(i), 1);
    const bool last = i + 1 == kLength;
    function_node(f, last ? "Relu" : "f" + std::to_string(i + 1), {"i0"}, "o", last ? "" : "local");
  }
  model.node("f0", {"x"}, {"y"}).set_domain("local");
}

void wide_convolution(Model& model) {
  model.input("x", {"1", "1", "536875008"}).output("y");
  model.initializer(float_tensor("w", {1, 1, 3}, {1, 2, 3}));
  model.node("Conv", {"x", "w"}, {"y"}, {attr("strides", std::vector<int64_t>{16})});
}

void padded_convolution(Model& model) {
  model.input("x", {"1", "1", "8", "8"}).output("y");
  model.initializer(float_tensor("w", {1, 1, 3, 3}, std::vector<float>(9, 1)));
  model.node("Conv", {"x", "w"}, {"y"},
             {attr("pads", std::vector<int64_t>{20000, 20000, 20000, 20000})});
}

void dilated_convolution(Model& model) {
  model.input("x", {"1", "1", "1073741824"}).output("y");
  model.initializer(float_tensor("w", {1, 1, 512}, std::vector<float>(512, 1)));
  model.node("Conv", {"x", "w"}, {"y"}, {attr("dilations", std::vector<int64_t>{1000000})});
}

void padded_constant(Model& model) {
  model.input("x", {"1"}).output("y");
  model.initializer(float_tensor("c", {1}, {1}));
  model.initializer(int_tensor("pads", {2}, {0, 400'000'000}));
  model.node("Pad", {"c", "pads"}, {"p"});
  model.node("Add", {"x", "p"}, {"y"});
}

void tiled_constants(Model& model) {
  model.input("x", {"1"}).output("y");
  model.initializer(float_tensor("c", {1}, {1}));
  std::string sum = "x";
  for (int i = 0; i < 60; ++i) {
    const std::string n = std::to_string(i);
    model.initializer(int_tensor("r" + n, {1}, {4'000'000 + i}));
    model.node("Tile", {"c", "r" + n}, {"t" + n});
    model.node("ReduceSum", {"t" + n}, {"q" + n}, {attr("keepdims", 1)});
    const std::string next = i == 59 ? "y" : "s" + n;
    model.node("Add", {sum, "q" + n}, {next});
    sum = next;
  }
}

void half_constants(Model& model) {
  model.input("x", {"1"}, onnx::TensorProto::FLOAT16).output("y");
  model.initializer(int_tensor("shape", {1}, {500'000}));
  onnx::TensorProto one;
  one.set_data_type(onnx::TensorProto::FLOAT16);
  one.add_dims(1);
  one.add_int32_data(0x3c00);
  std::string sum = "x";
  for (int i = 0; i < 300; ++i) {
    const std::string n = std::to_string(i);
    model.node("ConstantOfShape", {"shape"}, {"c" + n}, {attr("value", one)});
    const std::string next = i == 299 ? "y" : "s" + n;
    model.node("Mul", {sum, "c" + n}, {next});
    sum = next;
  }
}

void batch_norm_of_many_channels(Model& model) {
  model.input("x", {"1", "100000000"}).output("y");
  model.initializer(int_tensor("shape", {1}, {100'000'000}));
  model.node("ConstantOfShape", {"shape"}, {"c"});
  model.node("BatchNormalization", {"x", "c", "c", "c", "c"}, {"y"});
}

void many_operands(Model& model, const char* op) {
  model.input("x", {"4"}).output("y");
  const std::vector<std::string> operands(20'000, "x");
  std::vector<onnx::AttributeProto> attributes;
  if (std::string(op) == "Concat") attributes.push_back(attr("axis", 0));
  model.node(op, operands, {"y"}, attributes);
}

void many_results(Model& model) {
  model.input("x", {"20000"});
  std::vector<std::string> results;
  results.reserve(20'000);
  for (int i = 0; i < 20'000; ++i) results.push_back("y" + std::to_string(i));
  model.output("y0").output("y19999");
  model.node("Split", {"x"}, results, {attr("num_outputs", 20'000)});
}

void empty_nodes(Model& model) {
  model.input("x", {"1"}).output("y");
  model.node("Relu", {"x"}, {"y"});
  for (int i = 0; i < 400'000; ++i) model.proto.mutable_graph()->add_node();
}

struct Bomb {
  const char* name;
  Make make;
};
const std::vector<Bomb>& bombs() {
  static const std::vector<Bomb> kBombs = {
      {"sparse_initializer", [](Model& m) { sparse_initializer(m, int64_t{1} << 28); }},
      {"sparse_initializer_of_tebibytes",
       [](Model& m) { sparse_initializer(m, int64_t{1} << 42); }},
      {"sparse_value", sparse_value},
      {"scalar_times_channels", [](Model& m) { scalar_to_channels(m, "Mul"); }},
      {"scalar_plus_channels", [](Model& m) { scalar_to_channels(m, "Add"); }},
      {"channels_over_scalar", [](Model& m) { scalar_to_channels(m, "Div"); }},
      {"range", [](Model& m) { range(m, 1'000'000'000); }},
      {"range_of_2_to_the_50", [](Model& m) { range(m, int64_t{1} << 50); }},
      {"constants_of_shape", [](Model& m) { constants_of_shape(m, 600, 250'000, false); }},
      {"a_constant_of_shape", [](Model& m) { constants_of_shape(m, 1, 10'000'000'000, false); }},
      {"expanded_constants", [](Model& m) { constants_of_shape(m, 60, 4'000'000, true); }},
      {"convolution_weights_of_shape", convolution_weights_of_shape},
      {"folded_products", folded_products},
      {"folded_functions", [](Model& m) { folded(m, "Erf", 2000, {}); }},
      {"folded_softmax", [](Model& m) { folded(m, "Softmax", 2000, {attr("axis", -1)}); }},
      {"folded_pools",
       [](Model& m) {
         folded(m, "MaxPool", 2000,
                {attr("kernel_shape", std::vector<int64_t>{15, 15}),
                 attr("pads", std::vector<int64_t>{7, 7, 7, 7})});
       }},
      {"folded_local_response", [](Model& m) { folded(m, "LRN", 2000, {attr("size", 99)}); }},
      {"nested_calls", [](Model& m) { nested_calls(m, 31); }},
      {"long_names", long_names},
      {"wide_calls", wide_calls},
      {"constants_in_calls", constants_in_calls},
      {"call_chain", call_chain},
      {"wide_convolution", wide_convolution},
      {"padded_convolution", padded_convolution},
      {"dilated_convolution", dilated_convolution},
      {"padded_constant", padded_constant},
      {"tiled_constants", tiled_constants},
      {"half_constants", half_constants},
      {"batch_norm_of_many_channels", batch_norm_of_many_channels},
      {"concat_of_many", [](Model& m) { many_operands(m, "Concat"); }},
      {"split_to_many", many_results},
      {"empty_nodes", empty_nodes},
  };
  return kBombs;
}

class Bombs : public ::testing::TestWithParam<Bomb> {};

TEST_P(Bombs, AreBoundedInEveryToolThatReadsThem) {
  const TemporaryFolder folder;
  Model model;
  GetParam().make(model);
  const std::string text = model.proto.SerializeAsString();
  EXPECT_LE(text.size(), size_t{4} << 20);
  const std::string path = folder.write("bomb.onnx", text);
  expect_bounded({tool("compile"), path, "-o", folder.path("bomb.plan"), "--quiet"}, folder);
  if (GetParam().name == std::string("constants_in_calls"))
    return;  // one of the slow ones is enough
  expect_bounded({tool("inspect"), "fits", path, "--budget", "64GiB"}, folder);
}

INSTANTIATE_TEST_SUITE_P(All, Bombs, ::testing::ValuesIn(bombs()),
                         [](const auto& info) { return std::string(info.param.name); });

// --- graphs in text form ---

TEST(TextBombs, AreBounded) {
  const TemporaryFolder folder;
  const std::string large = "f32[268435456]";
  const auto graph = [](const std::string& constants) {
    return "graph \"g\" {\n" + constants +
           "  %x = input : f32[4]\n  %y = unary(%x) {fn=relu} : f32[4]\n  return %y\n}\n";
  };
  std::string many;
  for (int i = 0; i < 10; ++i) {
    many += "  %c" + std::to_string(i) + " = constant : " + large + " elided\n";
  }
  for (const std::string& text :
       {graph("  %c = constant : " + large + " elided\n"),
        graph("  %c = constant : " + large + " splat 1\n"),
        graph("  %c = constant : f32[1099511627776] elided\n"), graph(many)}) {
    const std::string path = folder.write("bomb.ir", text);
    expect_bounded({tool("opt"), path, "--pipeline", "-o", folder.path("out.ir")}, folder);
  }
}

// --- the limits as flags ---

TEST(Limits, ALimitReachedIsNamedWithItsFlagAndAHigherOnePasses) {
  const TemporaryFolder folder;
  Model model;
  sparse_initializer(model, 1 << 20);
  const std::string path = folder.write("m.onnx", model.proto.SerializeAsString());
  const std::string plan = folder.path("m.plan");
  const auto compile = [&](const std::string& flag, const std::string& value) {
    return run_tool({tool("compile"), path, "-o", plan, "--quiet", flag, value},
                    folder.path("log"));
  };
  for (const auto& [flag, low, high] :
       {std::tuple{"--memory-limit", "4MiB", "64MiB"}, {"--work-limit", "1000", "100000000"}}) {
    const Ended low_end = compile(flag, low);
    EXPECT_EQ(low_end.exit_status, 3) << low_end.messages;
    EXPECT_TRUE(has_text(low_end.messages, flag));
    if (flag == std::string("--memory-limit")) {
      EXPECT_TRUE(has_text(low_end.messages, "initializer 'w'"));
    }
    EXPECT_EQ(compile(flag, high).exit_status, 0);
  }
  EXPECT_EQ(compile("--memory-limit", "much").exit_status, 2);
}

}  // namespace
}  // namespace memopt::testing
