// External data: the only place that opens a file because a model names it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/onnx/shared_bytes.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/account.h"
#include "runtime/base/result.h"

namespace memopt {

// Opens and maps the files that tensors refer to, each once. A location is relative to the model's
// folder. It must stay beneath that folder and pass no symbolic link; the file must be regular and
// have one hard link. With a root, links and ".." are followed as long as the file that they lead
// to lies beneath the root; a location that the model's folder does not have is looked up in the
// root.
class ExternalData {
 public:
  ExternalData(std::string model_folder, std::string root, bool allow_hardlinks,
               std::shared_ptr<Account> account = std::make_shared<Account>())
      : folder_(std::move(model_folder)),
        root_(std::move(root)),
        allow_hardlinks_(allow_hardlinks),
        account_(std::move(account)) {}

  // The bytes that the tensor's external_data entries describe (location, offset, length), checked
  // against the file's size. A missing length means `needed` bytes.
  Result<SharedBytes> bytes_of(const onnx::TensorProto& tensor, int64_t needed);

  // Paths of all files mapped so far.
  const std::vector<std::string>& paths() const { return paths_; }
  // And their bytes.
  int64_t mapped_bytes() const { return mapped_bytes_; }

 private:
  Result<SharedBytes> open(const std::string& location);

  std::string folder_;
  std::string root_;
  bool allow_hardlinks_;
  std::shared_ptr<Account> account_;  // that the files are admitted to
  int64_t mapped_bytes_ = 0;
  std::vector<std::string> paths_;
  std::map<std::string, SharedBytes> files_;
};

}  // namespace memopt
