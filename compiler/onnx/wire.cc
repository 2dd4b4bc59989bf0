#include "compiler/onnx/wire.h"

#include <optional>

namespace memopt {
namespace {

// The messages on the way to a tensor.
enum class Message : uint8_t { kModel, kGraph, kNode, kAttribute, kTensor, kSparse, kFunction };

struct Child {
  Message parent;
  uint32_t field;
  Message child;
};
constexpr Child kChildren[] = {
    {Message::kModel, 7, Message::kGraph},       {Message::kModel, 25, Message::kFunction},
    {Message::kGraph, 1, Message::kNode},        {Message::kGraph, 5, Message::kTensor},
    {Message::kGraph, 15, Message::kSparse},     {Message::kNode, 5, Message::kAttribute},
    {Message::kAttribute, 5, Message::kTensor},  {Message::kAttribute, 6, Message::kGraph},
    {Message::kAttribute, 10, Message::kTensor}, {Message::kAttribute, 11, Message::kGraph},
    {Message::kAttribute, 22, Message::kSparse}, {Message::kAttribute, 23, Message::kSparse},
    {Message::kSparse, 1, Message::kTensor},     {Message::kSparse, 2, Message::kTensor},
    {Message::kFunction, 7, Message::kNode},     {Message::kFunction, 11, Message::kAttribute},
};

// Fields that the importer never reads (see onnx-ml.proto).
struct Unread {
  Message message;
  uint32_t field;
};
constexpr Unread kUnread[] = {
    {Message::kModel, 6},     {Message::kModel, 14},    {Message::kModel, 20},
    {Message::kModel, 26},    {Message::kGraph, 10},    {Message::kGraph, 13},
    {Message::kGraph, 14},    {Message::kGraph, 16},    {Message::kNode, 6},
    {Message::kNode, 9},      {Message::kNode, 10},     {Message::kAttribute, 13},
    {Message::kTensor, 12},   {Message::kTensor, 16},   {Message::kFunction, 8},
    {Message::kFunction, 12}, {Message::kFunction, 14},
};

// The heap that a message takes once it is parsed, whatever it holds, and what a field that is no
// message known here takes: a string or a list of numbers, of a byte each in the file; where it is
// a message of dimensions, these are two bytes each.
constexpr int64_t kBytesPerMessage = 256;
constexpr int64_t kBytesPerField = 64, kParsedPerByte = 8, kParsedPerTypeByte = 32;

struct TypeField {
  Message message;
  uint32_t field;
};
constexpr TypeField kTypeFields[] = {{Message::kGraph, 11},
                                     {Message::kGraph, 12},
                                     {Message::kAttribute, 14},
                                     {Message::kAttribute, 15}};

constexpr uint32_t kTensorDataType = 2, kTensorSegment = 3, kTensorFloatData = 4,
                   kTensorRawData = 9, kTensorDoubleData = 10;
constexpr uint64_t kOnnxFloat = 1, kOnnxDouble = 11;

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

// One field as it lies in the file: [begin, end) with its tag; the payload of kLength is
// [payload, end).
struct WireField {
  uint32_t number = 0;
  uint32_t type = 0;
  size_t begin = 0, payload = 0, end = 0;
  uint64_t varint = 0;
};

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}
void append_tag(std::string& out, uint32_t field, WireType type) {
  append_varint(out, (uint64_t{field} << 3) | type);
}

class Cutter {
 public:
  explicit Cutter(std::span<const std::byte> file) : file_(file) {}
  int64_t parsed_bytes() const { return parsed_bytes_; }

  // Appends the cut form of the message in [begin, end) to `out`.
  Status cut(Message message, size_t begin, size_t end, int depth, std::string& out) {
    if (depth > kMaxWireDepth) return malformed(begin, "messages are nested too deeply");
    parsed_bytes_ += kBytesPerMessage;
    uint32_t mapped_field = 0;
    if (message == Message::kTensor) {
      MEMOPT_ASSIGN_OR_RETURN(mapped_field, large_field(begin, end));
    }
    for (size_t at = begin; at < end;) {
      MEMOPT_ASSIGN_OR_RETURN(const WireField field, read(at, end));
      at = field.end;
      if (is_unread(message, field.number)) continue;
      if (message == Message::kTensor && field.number == kTensorSegment) {
        return malformed(field.begin, "a tensor in segments, which is not supported");
      }
      if (field.type == kLength && mapped_field != 0 && field.number == mapped_field) {
        append_segment(out, field.payload, field.end);
        continue;
      }
      const std::optional<Message> child = child_of(message, field.number);
      if (child && field.type == kLength) {
        std::string inner;
        MEMOPT_RETURN_IF_ERROR(cut(*child, field.payload, field.end, depth + 1, inner));
        append_tag(out, field.number, kLength);
        append_varint(out, inner.size());
        out += inner;
      } else {
        parsed_bytes_ += parsed_size(message, field);
        out.append(reinterpret_cast<const char*>(&file_[field.begin]), field.end - field.begin);
      }
    }
    return {};
  }

 private:
  static Error malformed(size_t offset, const std::string& why) {
    return bad_input("not a valid ONNX file: at byte " + std::to_string(offset) + ": " + why);
  }

  static int64_t parsed_size(Message message, const WireField& field) {
    if (field.type != kLength) return kParsedPerByte;
    int64_t per_byte = kParsedPerByte;
    for (const TypeField& type : kTypeFields) {
      if (type.message == message && type.field == field.number) per_byte = kParsedPerTypeByte;
    }
    return kBytesPerField + per_byte * static_cast<int64_t>(field.end - field.payload);
  }

  static bool is_unread(Message message, uint32_t field) {
    for (const Unread& unread : kUnread) {
      if (unread.message == message && unread.field == field) return true;
    }
    return false;
  }

  static std::optional<Message> child_of(Message message, uint32_t field) {
    for (const Child& entry : kChildren) {
      if (entry.parent == message && entry.field == field) return entry.child;
    }
    return std::nullopt;
  }

  // The data field of a tensor that stays in the file; 0: none.
  Result<uint32_t> large_field(size_t begin, size_t end) {
    uint64_t data_type = 0;
    uint32_t candidate = 0;
    int data_fields = 0;
    for (size_t at = begin; at < end;) {
      MEMOPT_ASSIGN_OR_RETURN(const WireField field, read(at, end));
      at = field.end;
      if (field.number == kTensorDataType) data_type = field.varint;
      const bool is_data = field.number == kTensorRawData || field.number == kTensorFloatData ||
                           field.number == kTensorDoubleData;
      data_fields += is_data;
      if (is_data && field.type == kLength && field.end - field.payload >= kMinMappedBytes) {
        candidate = field.number;
      }
    }
    const bool same_bytes = candidate == kTensorRawData ||
                            (candidate == kTensorFloatData && data_type == kOnnxFloat) ||
                            (candidate == kTensorDoubleData && data_type == kOnnxDouble);
    return same_bytes && data_fields == 1 ? candidate : 0;
  }

  static void append_segment(std::string& out, size_t begin, size_t end) {
    std::string segment;
    append_tag(segment, 1, kVarint);
    append_varint(segment, begin);
    append_tag(segment, 2, kVarint);
    append_varint(segment, end);
    append_tag(out, kTensorSegment, kLength);
    append_varint(out, segment.size());
    out += segment;
  }

  Result<uint64_t> read_varint(size_t& at, size_t end) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at >= end) return malformed(at, "the file ends inside a number");
      const auto byte = std::to_integer<uint64_t>(file_[at++]);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return malformed(at, "a number is longer than 64 bits");
  }

  Result<WireField> read(size_t at, size_t end) {
    WireField field{.begin = at};
    MEMOPT_ASSIGN_OR_RETURN(const uint64_t tag, read_varint(at, end));
    field.type = static_cast<uint32_t>(tag & 7);
    if (tag >> 3 == 0 || tag >> 3 > (uint64_t{1} << 29) - 1) {
      return malformed(field.begin, "field number out of range");
    }
    field.number = static_cast<uint32_t>(tag >> 3);
    uint64_t length = 0;
    switch (field.type) {
      case kVarint: {
        MEMOPT_ASSIGN_OR_RETURN(field.varint, read_varint(at, end));
        break;
      }
      case kFixed64:
        length = 8;
        break;
      case kFixed32:
        length = 4;
        break;
      case kLength: {
        MEMOPT_ASSIGN_OR_RETURN(length, read_varint(at, end));
        break;
      }
      default:
        return malformed(field.begin, "unknown wire type " + std::to_string(field.type));
    }
    if (length > end - at) {
      return malformed(field.begin, "field " + std::to_string(field.number) + " needs " +
                                        std::to_string(length) + " bytes, " +
                                        std::to_string(end - at) + " are left");
    }
    field.payload = at;
    field.end = at + static_cast<size_t>(length);
    return field;
  }

  std::span<const std::byte> file_;
  int64_t parsed_bytes_ = 0;
};

}  // namespace

Result<CutMessage> cut_tensor_data(std::span<const std::byte> message, WireMessage kind) {
  CutMessage cut;
  Cutter cutter(message);
  const Message root = kind == WireMessage::kModel ? Message::kModel : Message::kTensor;
  MEMOPT_RETURN_IF_ERROR(cutter.cut(root, 0, message.size(), 1, cut.text));
  cut.parsed_bytes = cutter.parsed_bytes();
  return cut;
}

}  // namespace memopt
