// External data: read where it is allowed, and nothing else is opened.
#include "compiler/onnx/external_data.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>

#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

namespace fs = std::filesystem;

onnx::TensorProto external(const std::string& location, const std::string& offset = "",
                           const std::string& length = "") {
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_dims(2);
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  const auto add = [&](const char* key, const std::string& value) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  };
  add("location", location);
  if (!offset.empty()) add("offset", offset);
  if (!length.empty()) add("length", length);
  return tensor;
}

// A model folder with weights.bin (16 bytes) in it, and a secret beside it.
class ExternalDataTest : public ::testing::Test {
 protected:
  ExternalDataTest() {
    fs::create_directories(folder_.path("model/sub"));
    folder_.write("secret.bin", "SECRETSECRET");
    folder_.write("model/weights.bin", "abcdefghijklmnop");
    folder_.write("model/sub/more.bin", "12345678");
  }

  std::string refusal(const onnx::TensorProto& tensor, const std::string& root = "",
                      bool hardlinks = false) {
    ExternalData data(folder_.path("model"), root, hardlinks);
    const auto bytes = data.bytes_of(tensor, 8);
    return bytes.ok() ? "" : bytes.error().message;
  }
  std::string content(const onnx::TensorProto& tensor, const std::string& root = "",
                      bool hardlinks = false) {
    ExternalData data(folder_.path("model"), root, hardlinks);
    const auto bytes = data.bytes_of(tensor, 8);
    EXPECT_TRUE(bytes.ok()) << (bytes.ok() ? "" : bytes.error().message);
    if (!bytes.ok()) return "";
    return {reinterpret_cast<const char*>(bytes->bytes.data()), bytes->bytes.size()};
  }

  TemporaryFolder folder_;
};

TEST_F(ExternalDataTest, ReadsARangeBeneathTheModel) {
  EXPECT_EQ(content(external("weights.bin")), "abcdefgh");
  EXPECT_EQ(content(external("weights.bin", "8", "8")), "ijklmnop");
  EXPECT_EQ(content(external("sub/more.bin")), "12345678");
  EXPECT_EQ(content(external("./sub/./more.bin")), "12345678");
}

TEST_F(ExternalDataTest, RefusesPathsThatLeave) {
  for (const char* location : {"../secret.bin", "sub/../../secret.bin", "/etc/passwd", "", ".",
                               "sub", "..", "missing.bin"}) {
    EXPECT_NE(refusal(external(location)), "") << location;
  }
  EXPECT_NE(refusal(external(std::string("weights.bin\0x", 13))), "");
  EXPECT_NE(refusal(external(folder_.path("secret.bin"))), "");
}

TEST_F(ExternalDataTest, RefusesSymbolicLinks) {
  fs::create_symlink("../secret.bin", folder_.path("model/link.bin"));
  fs::create_directory_symlink("..", folder_.path("model/up"));
  fs::create_symlink("weights.bin", folder_.path("model/inside.bin"));
  EXPECT_TRUE(has_text(refusal(external("link.bin")), "--external-data-root"));
  EXPECT_NE(refusal(external("up/secret.bin")), "");
  EXPECT_NE(refusal(external("inside.bin")), "");
}

TEST_F(ExternalDataTest, RefusesHardLinksUnlessAllowed) {
  fs::create_hard_link(folder_.path("secret.bin"), folder_.path("model/hard.bin"));
  EXPECT_TRUE(has_text(refusal(external("hard.bin")), "--allow-hardlinks"));
  EXPECT_EQ(content(external("hard.bin"), "", true), "SECRETSE");
}

TEST_F(ExternalDataTest, RefusesWhatIsNoRegularFile) {
  ASSERT_EQ(mkfifo(folder_.path("model/fifo").c_str(), 0600), 0);
  EXPECT_TRUE(has_text(refusal(external("fifo")), "regular"));
  EXPECT_TRUE(has_text(refusal(external("sub")), "regular"));
}

TEST_F(ExternalDataTest, ChecksTheRange) {
  EXPECT_NE(refusal(external("weights.bin", "9", "8")), "");
  EXPECT_NE(refusal(external("weights.bin", "9223372036854775807", "8")), "");
  EXPECT_NE(refusal(external("weights.bin", "8", "9223372036854775807")), "");
  EXPECT_NE(refusal(external("weights.bin", "-1", "8")), "");
  EXPECT_NE(refusal(external("weights.bin", "99999999999999999999", "8")), "");
  EXPECT_NE(refusal(external("weights.bin", "1x", "8")), "");
}

TEST_F(ExternalDataTest, ARootAllowsLinksThatStayBeneathIt) {
  fs::create_directories(folder_.path("blobs"));
  folder_.write("blobs/0123", "ABCDEFGH");
  fs::create_symlink("../blobs/0123", folder_.path("model/data.bin"));
  EXPECT_EQ(content(external("data.bin"), folder_.path("")), "ABCDEFGH");
  EXPECT_TRUE(has_text(refusal(external("data.bin"), folder_.path("model")), "outside"));
  // Found in the root where the model's folder does not have it.
  EXPECT_EQ(content(external("0123"), folder_.path("blobs")), "ABCDEFGH");
}

TEST_F(ExternalDataTest, ATensorsBytesMustFitItsType) {
  Model model;
  model.input("x", {"2"}).output("y");
  onnx::TensorProto weights = external("weights.bin", "0", "12");
  weights.set_name("w");
  model.initializer(weights);
  model.node("Add", {"x", "w"}, {"y"});
  const auto path = folder_.write("model/m.onnx", model.proto.SerializeAsString());
  EXPECT_TRUE(has_text(message_of(import_onnx(path)), "needed 8 bytes"));
}

TEST_F(ExternalDataTest, AModelUsesItsData) {
  folder_.write("model/floats.bin", std::string("\0\0\x80\x3f\0\0\0\x40", 8));  // 1, 2
  Model model;
  model.input("x", {"2"}).output("y");
  onnx::TensorProto weights = external("floats.bin");
  weights.set_name("w");
  model.initializer(weights);
  model.node("Add", {"x", "w"}, {"y"});
  const auto imported = import_onnx(folder_.write("model/m.onnx", model.proto.SerializeAsString()));
  ASSERT_TRUE(imported.ok()) << message_of(imported);
  EXPECT_EQ(run(imported->graph, {{10, 10}})[0], (std::vector<double>{11, 12}));
}

TEST_F(ExternalDataTest, AModelInMemoryHasNone) {
  Model model;
  model.input("x", {"2"}).output("y");
  onnx::TensorProto weights = external("model/weights.bin");
  weights.set_name("w");
  model.initializer(weights);
  model.node("Add", {"x", "w"}, {"y"});
  const std::string text = model.proto.SerializeAsString();
  const auto bytes = std::as_bytes(std::span(text));
  const auto imported = import_onnx({bytes.begin(), bytes.end()}, "standard input",
                                    {.external_data_root = folder_.path("")});
  EXPECT_TRUE(has_text(message_of(imported), "standard input"));
  EXPECT_TRUE(has_text(message_of(imported), "external data needs a model file"));
}

}  // namespace
}  // namespace memopt::testing
