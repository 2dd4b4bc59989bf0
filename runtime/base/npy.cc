#include "runtime/base/npy.h"

#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "runtime/base/file.h"

namespace memopt {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr int64_t kMaxFileBytes = int64_t{16} << 30;

struct Description {
  DType dtype;
  std::string_view text;
};
constexpr Description kDescriptions[] = {
    {DType::kF32, "<f4"}, {DType::kF64, "<f8"},   {DType::kF16, "<f2"}, {DType::kI8, "|i1"},
    {DType::kI16, "<i2"}, {DType::kI32, "<i4"},   {DType::kI64, "<i8"}, {DType::kU8, "|u1"},
    {DType::kU16, "<u2"}, {DType::kU32, "<u4"},   {DType::kU64, "<u8"}, {DType::kBool, "|b1"},
    {DType::kC64, "<c8"}, {DType::kC128, "<c16"},
};

const Description* description_of(DType dtype) {
  for (const Description& known : kDescriptions) {
    if (known.dtype == dtype) return &known;
  }
  return nullptr;
}

// Reads the header, the literal of a Python dictionary such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }.
class HeaderParser {
 public:
  explicit HeaderParser(std::string_view text) : rest_(text) {}

  Result<TensorType> run() {
    MEMOPT_RETURN_IF_ERROR(expect('{'));
    while (!skip('}')) {
      MEMOPT_ASSIGN_OR_RETURN(const std::string_view key, string());
      MEMOPT_RETURN_IF_ERROR(expect(':'));
      if (key == "descr") {
        MEMOPT_RETURN_IF_ERROR(parse_description());
      } else if (key == "fortran_order") {
        MEMOPT_RETURN_IF_ERROR(parse_order());
      } else if (key == "shape") {
        MEMOPT_RETURN_IF_ERROR(parse_shape());
      } else {
        return bad_input("unknown key in the header");
      }
      skip(',');
    }
    if (!dtype_ || !fortran_ || !dims_) return bad_input("the header is incomplete");
    if (*fortran_ && dims_->rank() > 1) {
      return bad_input("the array is in Fortran order; save numpy.ascontiguousarray(it)");
    }
    const TensorType type{.dtype = *dtype_, .dims = *dims_};
    if (!is_valid_type(type)) return bad_input("the shape is out of range");
    return type;
  }

 private:
  bool skip(char c) {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool skip_word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  Status expect(char c) {
    if (!skip(c)) return bad_input(std::string("malformed header: needed '") + c + "'");
    return {};
  }
  Result<std::string_view> string() {
    const char quote = skip('"') ? '"' : '\'';
    if (quote == '\'') MEMOPT_RETURN_IF_ERROR(expect('\''));
    const size_t end = rest_.find(quote);
    if (end == std::string_view::npos) return bad_input("malformed header: open string");
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  Status parse_description() {
    MEMOPT_ASSIGN_OR_RETURN(const std::string_view text, string());
    for (const Description& known : kDescriptions) {
      if (known.text == text) dtype_ = known.dtype;
    }
    if (!dtype_) return bad_input("element type '" + std::string(text) + "' is not supported");
    return {};
  }
  Status parse_order() {
    skip(' ');
    if (skip_word("True")) {
      fortran_ = true;
    } else if (skip_word("False")) {
      fortran_ = false;
    } else {
      return bad_input("malformed header: needed True or False");
    }
    return {};
  }
  Status parse_shape() {
    MEMOPT_RETURN_IF_ERROR(expect('('));
    dims_.emplace();
    while (!skip(')')) {
      int64_t dim = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
      if (error != std::errc() || dim < 0) return bad_input("malformed header: shape");
      rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
      if (dims_->rank() == kMaxRank) return bad_input("the rank is above 8");
      dims_->push_back(dim);
      skip(',');
      while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
    }
    return {};
  }

  std::string_view rest_;
  std::optional<DType> dtype_;
  std::optional<bool> fortran_;
  std::optional<Dims> dims_;
};

Result<TensorData> parse(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (!text.starts_with(kMagic) || text.size() < 12) return bad_input("not a .npy file");
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(text[i])); };
  const size_t version = byte(6);
  if (version < 1 || version > 3) return bad_input("unknown version of the .npy format");
  const size_t start = version == 1 ? 10 : 12;
  size_t length = byte(8) | byte(9) << 8;
  if (version > 1) length |= byte(10) << 16 | byte(11) << 24;
  if (length > text.size() - start) return bad_input("truncated");
  TensorData tensor;
  MEMOPT_ASSIGN_OR_RETURN(tensor.type, HeaderParser(text.substr(start, length)).run());
  const auto data = file.subspan(start + length);
  if (static_cast<int64_t>(data.size()) != tensor.type.bytes()) {
    return bad_input("has " + std::to_string(data.size()) + " bytes of data, its shape needs " +
                     std::to_string(tensor.type.bytes()));
  }
  tensor.bytes.assign(data.begin(), data.end());
  return tensor;
}

}  // namespace

Result<TensorData> read_npy(const std::string& path) {
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> file, read_file(path, kMaxFileBytes));
  Result<TensorData> tensor = parse(file);
  if (!tensor.ok()) return in_context(path, tensor.error());
  return tensor;
}

bool npy_has_type(DType dtype) { return description_of(dtype) != nullptr; }

Status write_npy(const TensorData& tensor, AtomicFile& file) {
  const Description* const description = description_of(tensor.type.dtype);
  if (!description) {
    return Error{Code::kUsage, file.path() + ": .npy has no element type " +
                                   std::string(dtype_name(tensor.type.dtype)) + "; use .pb"};
  }
  std::string header =
      "{'descr': '" + std::string(description->text) + "', 'fortran_order': False, 'shape': (";
  for (const int64_t dim : tensor.type.dims) header += std::to_string(dim) + ", ";
  header += "), }";
  // The data starts at a multiple of 64 bytes.
  constexpr size_t kPrefix = 10;
  while ((kPrefix + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string start(kMagic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 255),
            static_cast<char>(header.size() >> 8)};
  start += header;
  MEMOPT_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(start))));
  return file.write(tensor.bytes);
}

Status write_npy(const TensorData& tensor, const std::string& path) {
  MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  MEMOPT_RETURN_IF_ERROR(write_npy(tensor, file));
  return file.commit();
}

}  // namespace memopt
