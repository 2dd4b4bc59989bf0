// Serialized ONNX messages in files, with the data of large tensors left in the mapping.
#pragma once

#include <memory>
#include <string>

#include "compiler/onnx/shared_bytes.h"
#include "compiler/onnx/wire.h"
#include "onnx_schema/onnx-ml.pb.h"
#include "runtime/base/account.h"
#include "runtime/base/result.h"

namespace memopt {

template <typename Message>
struct ParsedFile {
  Message message;
  SharedBytes file;           // that the tensors' `segment` points into
  int64_t message_bytes = 0;  // without the data that stays in the file
  Reservation reserved;       // of the parsed message
};

// The file is admitted to the account, and the parsed message counts on it.
Result<ParsedFile<onnx::ModelProto>> parse_model_file(const std::string& path,
                                                      const std::shared_ptr<Account>& account);
// A model in memory; `name` is for messages.
Result<ParsedFile<onnx::ModelProto>> parse_model(const SharedBytes& bytes, const std::string& name,
                                                 const std::shared_ptr<Account>& account);
Result<ParsedFile<onnx::TensorProto>> parse_tensor_file(const std::string& path,
                                                        const std::shared_ptr<Account>& account);

}  // namespace memopt
