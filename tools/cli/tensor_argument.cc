#include "tools/cli/tensor_argument.h"

#include "compiler/onnx/tensor_file.h"
#include "runtime/base/npy.h"

namespace memopt {

Result<TensorData> read_tensor_argument(const std::string& text) {
  if (!text.starts_with('@')) {
    return Error{Code::kUsage, "needed @FILE.npy or @FILE.pb, found '" + text + "'"};
  }
  const std::string path = text.substr(1);
  if (path.ends_with(".npy")) return read_npy(path);
  if (path.ends_with(".pb")) return read_tensor_pb(path);
  return Error{Code::kUsage, "'" + path + "': needed a .npy or .pb file"};
}

}  // namespace memopt
