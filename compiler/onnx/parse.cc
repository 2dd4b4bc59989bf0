#include "compiler/onnx/parse.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "compiler/onnx/file_kind.h"

namespace memopt {
namespace {

// What is left of a file without the data of large tensors.
constexpr size_t kMaxMessageBytes = size_t{1} << 30;

template <typename Message>
Result<ParsedFile<Message>> parse(const SharedBytes& file, const std::string& path,
                                  WireMessage kind, const std::shared_ptr<Account>& account) {
  ParsedFile<Message> parsed;
  parsed.file = file;
  account->admit_file(static_cast<int64_t>(file.bytes.size()));
  auto cut = cut_tensor_data(parsed.file.bytes, kind);
  const std::string hint = cut.ok() ? "" : foreign_file_hint(file.bytes);
  if (!cut.ok()) return in_context(path, {cut.error().code, cut.error().message + hint});
  const std::string& text = cut->text;
  if (text.size() > kMaxMessageBytes) {
    return bad_input(path + ": " + std::to_string(text.size()) +
                     " bytes besides the data of large tensors; at most " +
                     std::to_string(kMaxMessageBytes) + " are read");
  }
  parsed.message_bytes = static_cast<int64_t>(text.size());
  MEMOPT_ASSIGN_OR_RETURN(parsed.reserved, Reservation::make(account, cut->parsed_bytes,
                                                             path + ": to parse the model"));
  google::protobuf::io::ArrayInputStream array(text.data(), static_cast<int>(text.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetRecursionLimit(kMaxWireDepth);
  stream.SetTotalBytesLimit(static_cast<int>(kMaxMessageBytes));
  if (!parsed.message.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage()) {
    return bad_input(path + ": not a valid ONNX file: its protobuf message does not parse" +
                     foreign_file_hint(file.bytes));
  }
  return parsed;
}

template <typename Message>
Result<ParsedFile<Message>> parse_file(const std::string& path, WireMessage kind,
                                       const std::shared_ptr<Account>& account) {
  MEMOPT_ASSIGN_OR_RETURN(MappedFile mapped, MappedFile::open(path));
  return parse<Message>(share_bytes(std::move(mapped)), path, kind, account);
}

}  // namespace

Result<ParsedFile<onnx::ModelProto>> parse_model(const SharedBytes& bytes, const std::string& name,
                                                 const std::shared_ptr<Account>& account) {
  return parse<onnx::ModelProto>(bytes, name, WireMessage::kModel, account);
}

Result<ParsedFile<onnx::ModelProto>> parse_model_file(const std::string& path,
                                                      const std::shared_ptr<Account>& account) {
  return parse_file<onnx::ModelProto>(path, WireMessage::kModel, account);
}

Result<ParsedFile<onnx::TensorProto>> parse_tensor_file(const std::string& path,
                                                        const std::shared_ptr<Account>& account) {
  return parse_file<onnx::TensorProto>(path, WireMessage::kTensor, account);
}

}  // namespace memopt
