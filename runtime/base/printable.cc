#include "runtime/base/printable.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace memopt {
namespace {

// The number of bytes of the well-formed UTF-8 character at the front of `text`; 0 if there is
// none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  if (byte(0) < 0x80) return 1;
  const size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
  if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (byte(0) == 0xe0 && byte(1) < 0xa0) || (byte(0) == 0xf0 && byte(1) < 0x90);
  const bool outside = (byte(0) == 0xed && byte(1) > 0x9f) || (byte(0) == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

uint32_t code_point(std::string_view character) {
  const auto first = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return first;
  uint32_t point = first & (0x7fu >> character.size());
  for (const char c : character.substr(1)) point = point << 6 | (static_cast<uint8_t>(c) & 0x3f);
  return point;
}

// First and last of the characters that are not shown as themselves: controls (Unicode's Cc), line
// separators, and format characters (Cf) without a glyph.
struct Hidden {
  uint32_t first, last;
};
constexpr Hidden kHidden[] = {{0x00, 0x1f},     {0x7f, 0x9f},      {0xad, 0xad},
                              {0x61c, 0x61c},   {0x180e, 0x180e},  {0x200b, 0x200f},
                              {0x2028, 0x202e}, {0x2060, 0x206f},  {0xfeff, 0xfeff},
                              {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};

bool is_hidden(std::string_view character) {
  const uint32_t point = code_point(character);
  return std::any_of(std::begin(kHidden), std::end(kHidden), [point](const Hidden& range) {
    return range.first <= point && point <= range.last;
  });
}

std::string escaped(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
  }
  return out;
}

// Takes the first character off `text`; what to show for it.
std::string take_character(std::string_view& text) {
  const size_t length = utf8_length(text);
  const std::string_view character = text.substr(0, std::max<size_t>(1, length));
  text.remove_prefix(character.size());
  return length == 0 || is_hidden(character) ? escaped(character) : std::string(character);
}

}  // namespace

size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) out += take_character(text);
  return out;
}

std::string printable(std::string_view text, size_t columns) {
  std::vector<std::string> shown;  // one entry per character or escape
  size_t width = 0;
  while (!text.empty()) {
    shown.push_back(take_character(text));
    width += columns_of(shown.back());
  }
  size_t first = shown.size(), last = shown.size();  // shown[first, last) is left out
  if (width > columns) {
    // Names of layers tell more at their end than at their beginning.
    const size_t kept = columns - std::min<size_t>(columns, 3);
    size_t head = 0, tail = 0;
    for (first = 0; head + columns_of(shown[first]) <= kept / 4; ++first) {
      head += columns_of(shown[first]);
    }
    for (; last > first && head + tail + columns_of(shown[last - 1]) <= kept; --last) {
      tail += columns_of(shown[last - 1]);
    }
  }
  std::string out;
  for (size_t i = 0; i < first; ++i) out += shown[i];
  if (first < last) out += "...";
  for (size_t i = last; i < shown.size(); ++i) out += shown[i];
  return out;
}

}  // namespace memopt
