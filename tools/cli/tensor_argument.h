// Tensors that the command line names: "@file.npy" or "@file.pb".
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"

namespace memopt {

// Reads "@PATH", by the ending of PATH. kUsage where the text is not of that form.
Result<TensorData> read_tensor_argument(const std::string& text);

}  // namespace memopt
