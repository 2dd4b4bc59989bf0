#include "runtime/base/type.h"

namespace memopt {

bool is_valid_type(const TensorType& type) {
  const std::optional<int64_t> count = checked_count(type.dims);
  if (!count) return false;
  const std::optional<int64_t> bytes = dtype_bytes(type.dtype, *count);
  return bytes && *bytes <= (int64_t{1} << 46);
}

std::string_view layout_name(Layout layout) {
  switch (layout) {
    case Layout::kRowMajor:
      return "row_major";
    case Layout::kChannelsLast:
      return "nhwc";
    case Layout::kPacked:
      return "packed";
  }
  return "";
}

std::optional<Layout> parse_layout(std::string_view name) {
  for (const Layout layout : {Layout::kRowMajor, Layout::kChannelsLast, Layout::kPacked}) {
    if (layout_name(layout) == name) return layout;
  }
  return std::nullopt;
}

std::string to_string(const TensorType& type) {
  std::string text(dtype_name(type.dtype));
  text += '[';
  if (!type.dims.empty()) text += to_string(type.dims);
  text += ']';
  if (type.layout != Layout::kRowMajor) {
    text += '@';
    text += layout_name(type.layout);
  }
  return text;
}

}  // namespace memopt
