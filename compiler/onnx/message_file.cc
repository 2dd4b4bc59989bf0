#include "compiler/onnx/message_file.h"

#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace memopt {
namespace {

class FileStream final : public google::protobuf::io::CopyingOutputStream {
 public:
  explicit FileStream(AtomicFile& file) : file_(file) {}
  bool Write(const void* buffer, int size) override {
    status_ = file_.write({static_cast<const std::byte*>(buffer), static_cast<size_t>(size)});
    return status_.ok();
  }
  const Status& status() const { return status_; }

 private:
  AtomicFile& file_;
  Status status_;
};

}  // namespace

Status write_message(const google::protobuf::MessageLite& message, AtomicFile& file) {
  FileStream stream(file);
  google::protobuf::io::CopyingOutputStreamAdaptor adaptor(&stream);
  const bool written = message.SerializeToZeroCopyStream(&adaptor) && adaptor.Flush();
  MEMOPT_RETURN_IF_ERROR(stream.status());
  if (!written) return bad_input(file.path() + ": too large for one protobuf message");
  return {};
}

}  // namespace memopt
