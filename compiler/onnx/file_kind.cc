#include "compiler/onnx/file_kind.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace memopt {
namespace {

struct Magic {
  size_t offset = 0;
  std::string_view bytes;
  const char* kind = "";
  const char* advice = "";
};

using namespace std::string_view_literals;

constexpr const char* kUnpack = "unpack it and give the .onnx file in it";
constexpr const char* kDownload = "the download went wrong; download the file itself";
constexpr const char* kExport = "export the model to ONNX first";

constexpr Magic kMagics[] = {
    {0, "version https://git-lfs.github.com/spec/"sv, "a git-lfs pointer", "run git lfs pull"},
    {0, "PK\x03\x04"sv, "a zip archive (a saved PyTorch or Keras model is one)",
     "unpack it, or export the model to ONNX first"},
    {0, "\x1f\x8b"sv, "a gzip archive", kUnpack},
    {0, "BZh"sv, "a bzip2 archive", kUnpack},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "an xz archive", kUnpack},
    {0, "\x28\xb5\x2f\xfd"sv, "a zstd archive", kUnpack},
    {0, "7z\xbc\xaf\x27\x1c"sv, "a 7z archive", kUnpack},
    {257, "ustar"sv, "a tar archive", kUnpack},
    {0, "\x80\x02"sv, "a Python pickle (a saved PyTorch model is one)", kExport},
    {0, "\x80\x03"sv, "a Python pickle (a saved PyTorch model is one)", kExport},
    {0, "\x80\x04"sv, "a Python pickle (a saved PyTorch model is one)", kExport},
    {0, "\x80\x05"sv, "a Python pickle (a saved PyTorch model is one)", kExport},
    {8, "{\""sv, "a safetensors file, which has weights only", kExport},
    {4, "TFL3"sv, "a TFLite model", "convert it to ONNX first"},
    {4, "ORTM"sv, "a model in ONNX Runtime's own format", "give the .onnx file it was made from"},
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (a saved Keras model is one)", kExport},
    {0, "GGUF"sv, "a GGUF file", "give an ONNX export of the model"},
    {0, "\x89MEMOPT\n"sv, "a memopt plan", "memopt-run runs it, memopt-inspect shows it"},
    {0, "\x93NUMPY"sv, "a NumPy array", "give the model; arrays are for --input and --bind"},
    {0, "\x89PNG"sv, "a PNG image", "give the model"},
    {0, "\xff\xd8\xff"sv, "a JPEG image", "give the model"},
    {0, "%PDF-"sv, "a PDF document", "give the model"},
    {0,
     "\x7f"
     "ELF"sv,
     "an executable", "give the model"},
};

std::string hint(const char* kind, const char* advice) {
  return std::string("; it looks like ") + kind + ": " + advice;
}

// The first characters without white space in front, in lower case.
std::string beginning(std::string_view text) {
  constexpr size_t kLength = 64;
  const auto is_space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  std::string start(std::find_if_not(text.begin(), text.end(), is_space), text.end());
  start.resize(std::min(start.size(), kLength));
  std::transform(start.begin(), start.end(), start.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return start;
}

bool is_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || (byte >= '\t' && byte <= '\r');
  });
}

}  // namespace

std::string foreign_file_hint(std::span<const std::byte> bytes) {
  constexpr size_t kLooked = 1024;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), kLooked));
  if (text.empty()) return "; it is empty: " + std::string(kDownload);
  for (const Magic& magic : kMagics) {
    if (text.size() < magic.offset + magic.bytes.size()) continue;
    if (text.substr(magic.offset, magic.bytes.size()) == magic.bytes) {
      return hint(magic.kind, magic.advice);
    }
  }
  if (!is_text(text)) return {};
  const std::string start = beginning(text);
  if (start.starts_with("<!doctype html") || start.starts_with("<html") ||
      start.starts_with("<head")) {
    return hint("an HTML page", kDownload);
  }
  if (start.starts_with("<")) return hint("XML", kDownload);
  if (start.starts_with("{") || start.starts_with("[")) return hint("JSON", kDownload);
  if (start.starts_with("graph \"")) return hint("a graph in text form", "memopt-opt reads it");
  return hint("text", kDownload);
}

}  // namespace memopt
