// A first reading of ONNX's protobuf wire format that keeps weights out of the heap: the large data
// fields of tensors, wherever they are, stay in the mapped file, and protobuf parses the rest.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "runtime/base/result.h"

namespace memopt {

enum class WireMessage : uint8_t { kModel, kTensor };

// A data field of a tensor below this size is copied.
inline constexpr size_t kMinMappedBytes = 4096;

// Deepest nesting of messages that is read.
inline constexpr int kMaxWireDepth = 64;

struct CutMessage {
  std::string text;
  // What protobuf's classes take for the text, estimated from above: two bytes can be a node.
  int64_t parsed_bytes = 0;
};

// A copy of `message`, a serialized ModelProto or TensorProto, in which
// - the large raw_data of a tensor (and float_data of an f32, double_data of an f64 tensor, which
//   have the same bytes) is replaced by `segment`: begin and end of these bytes in `message`. ONNX
//   has that field for tensors cut in pieces, which nobody writes; a file that has it is refused;
// - what the importer never reads is left out: documentation, value_info, metadata, training info.
// Malformed wire format is an error that names the offset.
Result<CutMessage> cut_tensor_data(std::span<const std::byte> message, WireMessage kind);

}  // namespace memopt
