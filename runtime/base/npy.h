// NumPy's .npy files (format versions 1 to 3; numpy/lib/format.py describes them).
#pragma once

#include <string>

#include "runtime/base/file.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_data.h"

namespace memopt {

// Little-endian booleans, integers, floats of 16 to 64 bits and complex numbers, in C order.
// Anything else, and a file that is not exactly as long as its header says, is kBadInput.
Result<TensorData> read_npy(const std::string& path);

// Whether NumPy has a name for an element type: not for bf16, 8- and 4-bit floats and integers
// below 8 bits.
bool npy_has_type(DType dtype);

// Writes and commits a file, or writes into one. kUsage where not npy_has_type().
Status write_npy(const TensorData& tensor, const std::string& path);
Status write_npy(const TensorData& tensor, AtomicFile& file);

}  // namespace memopt
