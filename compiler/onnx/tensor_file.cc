#include "compiler/onnx/tensor_file.h"

#include "compiler/onnx/message_file.h"
#include "compiler/onnx/parse.h"
#include "compiler/onnx/tensor.h"
#include "compiler/onnx/types.h"

namespace memopt {

Result<TensorData> read_tensor_pb(const std::string& path) {
  const auto account = std::make_shared<Account>();
  MEMOPT_ASSIGN_OR_RETURN(const auto parsed, parse_tensor_file(path, account));
  const TensorSource source{.file = parsed.file, .external = nullptr, .account = account};
  auto loaded = load_tensor(parsed.message, source);
  if (!loaded.ok()) return in_context(path, loaded.error());
  const auto bytes = loaded->data->bytes();
  return TensorData{
      .type = loaded->type, .bytes = {bytes.begin(), bytes.end()}, .name = parsed.message.name()};
}

Status write_tensor_pb(const TensorData& tensor, AtomicFile& file) {
  onnx::TensorProto message;
  message.set_name(tensor.name);
  message.set_data_type(dtype_to_onnx(tensor.type.dtype));
  for (const int64_t dim : tensor.type.dims) message.add_dims(dim);
  message.set_raw_data(tensor.bytes.data(), tensor.bytes.size());
  return write_message(message, file);
}

Status write_tensor_pb(const TensorData& tensor, const std::string& path) {
  MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  MEMOPT_RETURN_IF_ERROR(write_tensor_pb(tensor, file));
  return file.commit();
}

}  // namespace memopt
