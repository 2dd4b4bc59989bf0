// NumPy's .npy files (format versions 1 to 3; numpy/lib/format.py describes them).
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"

namespace memopt {

// Little-endian booleans, integers, floats of 16 to 64 bits and complex numbers, in C order.
// Anything else, and a file that is not exactly as long as its header says, is kBadInput.
Result<TensorData> read_npy(const std::string& path);

// Atomically. kUsage for element types that NumPy has no name for (bf16, 8- and 4-bit floats,
// integers below 8 bits).
Status write_npy(const TensorData& tensor, const std::string& path);

}  // namespace memopt
