// A tensor with its own bytes: what is read from and written to tensor files.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/base/type.h"

namespace memopt {

// `bytes` holds exactly type.bytes() bytes: dense, row-major, little-endian, types below eight bits
// packed.
struct TensorData {
  TensorType type;
  std::vector<std::byte> bytes;
  std::string name;  // may be empty
};

}  // namespace memopt
