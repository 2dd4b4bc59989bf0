#include "compiler/onnx/parse.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace memopt {
namespace {

// What is left of a file without the data of large tensors.
constexpr size_t kMaxMessageBytes = size_t{1} << 30;

template <typename Message>
Result<ParsedFile<Message>> parse(const SharedBytes& file, const std::string& path,
                                  WireMessage kind) {
  ParsedFile<Message> parsed;
  parsed.file = file;
  auto text = cut_tensor_data(parsed.file.bytes, kind);
  if (!text.ok()) return in_context(path, text.error());
  if (text->size() > kMaxMessageBytes) {
    return bad_input(path + ": " + std::to_string(text->size()) +
                     " bytes besides the data of large tensors; at most " +
                     std::to_string(kMaxMessageBytes) + " are read");
  }
  parsed.message_bytes = static_cast<int64_t>(text->size());
  google::protobuf::io::ArrayInputStream array(text->data(), static_cast<int>(text->size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetRecursionLimit(kMaxWireDepth);
  stream.SetTotalBytesLimit(static_cast<int>(kMaxMessageBytes));
  if (!parsed.message.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    return bad_input(path + ": not a valid ONNX file: its protobuf message does not parse");
  }
  return parsed;
}

template <typename Message>
Result<ParsedFile<Message>> parse_file(const std::string& path, WireMessage kind) {
  MEMOPT_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::open(path));
  return parse<Message>(share_bytes(std::move(mapped)), path, kind);
}

}  // namespace

Result<ParsedFile<onnx::ModelProto>> parse_model(const SharedBytes& bytes,
                                                 const std::string& name) {
  return parse<onnx::ModelProto>(bytes, name, WireMessage::kModel);
}

Result<ParsedFile<onnx::ModelProto>> parse_model_file(const std::string& path) {
  return parse_file<onnx::ModelProto>(path, WireMessage::kModel);
}

Result<ParsedFile<onnx::TensorProto>> parse_tensor_file(const std::string& path) {
  return parse_file<onnx::TensorProto>(path, WireMessage::kTensor);
}

}  // namespace memopt
