#include "passes/emit/text_table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/base/check.h"

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

// Control characters, also those that C1 and the bidirectional marks hide in UTF-8.
bool is_hidden(std::string_view character) {
  const auto first = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  if (character.size() == 2) return first == 0xc2 && static_cast<uint8_t>(character[1]) < 0xa0;
  return character == "\u200e" || character == "\u200f" ||
         (character >= "\u2028" && character <= "\u202e") ||
         (character >= "\u2066" && character <= "\u2069");
}

size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

std::string escaped(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    std::array<char, 8> buffer;
    std::snprintf(buffer.data(), buffer.size(), "\\x%02x", static_cast<uint8_t>(c));
    out += buffer.data();
  }
  return out;
}

std::string format(const char* pattern, double value) {
  std::array<char, 64> buffer;
  std::snprintf(buffer.data(), buffer.size(), pattern, value);
  return buffer.data();
}

}  // namespace

std::string percent_text(int64_t part, int64_t whole) {
  if (whole <= 0) return part == 0 ? "0.0 %" : "-";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (part > 0 && percent < 0.1) return "< 0.1 %";
  return format("%.1f", percent) + " %";
}

std::string printable(std::string_view text, size_t columns) {
  std::vector<std::string> shown;  // one entry per character or escape
  size_t width = 0;
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const size_t taken = std::max<size_t>(1, length);
    const std::string character(text.substr(0, taken));
    shown.push_back(length == 0 || is_hidden(character) ? escaped(character) : character);
    width += width_of(shown.back());
    text.remove_prefix(taken);
  }
  size_t first = shown.size(), last = shown.size();  // shown[first, last) is left out
  if (width > columns) {
    // Names of layers tell more at their end than at their beginning.
    const size_t kept = columns - std::min<size_t>(columns, 3);
    size_t head = 0, tail = 0;
    for (first = 0; head + width_of(shown[first]) <= kept / 4; ++first) {
      head += width_of(shown[first]);
    }
    for (; last > first && head + tail + width_of(shown[last - 1]) <= kept; --last) {
      tail += width_of(shown[last - 1]);
    }
  }
  std::string out;
  for (size_t i = 0; i < first; ++i) out += shown[i];
  if (first < last) out += "...";
  for (size_t i = last; i < shown.size(); ++i) out += shown[i];
  return out;
}

std::string TextTable::text(size_t indent) const {
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    MEMOPT_CHECK(row.size() <= columns_.size());
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line += "  ";
      const std::string space(widths[i] - width_of(row[i]), ' ');
      line += columns_[i] == Align::kRight ? space + row[i] : row[i] + space;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace memopt
