// Tensors whose data is in other files: what is read is what the file has there, and lies beneath
// the folder. The bytes are a TensorProto.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "compiler/onnx/external_data.h"
#include "compiler/onnx/tensor.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {
namespace {

namespace fs = std::filesystem;

Counter accepted("accepted");

constexpr size_t kFileBytes = 300;
// What a file outside the folder has and none inside.
constexpr char kSecret = '\xee';

// model/ has two files, a folder, links of both kinds and a FIFO; beside it is what nobody may
// read.
class Folder {
 public:
  Folder() : path_(file_with({}) + ".d") {
    fs::remove_all(path_);
    fs::create_directories(path_ / "model/sub");
    write("secret.bin", std::string(kFileBytes, kSecret));
    std::string counting;
    for (size_t i = 0; i < kFileBytes; ++i) counting += static_cast<char>(i % 200);
    write("model/w.bin", counting);
    write("model/sub/w.bin", counting);
    write("model/empty.bin", "");
    fs::create_symlink("../secret.bin", path_ / "model/link.bin");
    fs::create_symlink("..", path_ / "model/up");
    fs::create_hard_link(path_ / "secret.bin", path_ / "model/hard.bin");
    require(mkfifo((path_ / "model/fifo.bin").c_str(), 0600) == 0, "no FIFO");
  }
  ~Folder() { fs::remove_all(path_); }
  std::string model() const { return path_ / "model"; }

 private:
  void write(const char* name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
  }
  fs::path path_;
};

void check(const onnx::TensorProto& tensor, const std::string& root) {
  static const Folder kFolder;
  ExternalData external(kFolder.model(), root.empty() ? root : kFolder.model() + root, false);
  const auto loaded = load_tensor(
      tensor, {.file = {}, .external = &external, .account = std::make_shared<Account>()});
  if (!loaded.ok()) return require_expected(loaded.error());
  ++accepted;
  const auto bytes = loaded->data->bytes();
  require(static_cast<int64_t>(bytes.size()) == loaded->type.bytes(), "not the bytes of the type");
  if (tensor.data_location() != onnx::TensorProto::EXTERNAL) return;
  require(bytes.size() <= kFileBytes, "more than the file has");
  for (size_t i = 0; i < bytes.size(); ++i) {
    require(static_cast<char>(bytes[i]) != kSecret, "read outside of the folder");
  }
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onnx::TensorProto tensor;
  if (!tensor.ParseFromArray(data, static_cast<int>(size))) return 0;
  // `segment` is how the reader of files marks data that stays there; it refuses files that have
  // it.
  tensor.clear_segment();
  for (const char* root : {"", "/", "/sub"}) memopt::fuzz::check(tensor, root);
  return 0;
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}
