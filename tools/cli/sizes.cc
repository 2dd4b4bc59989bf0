#include "tools/cli/sizes.h"

#include <cctype>
#include <charconv>
#include <cmath>

#include "runtime/base/size_text.h"

namespace memopt {
namespace {

struct Unit {
  std::string_view name;
  double bytes;
};
constexpr Unit kUnits[] = {{"GiB", 1073741824.0}, {"MiB", 1048576.0}, {"KiB", 1024.0}, {"GB", 1e9},
                           {"MB", 1e6},           {"KB", 1e3},        {"B", 1},        {"", 1}};

constexpr double kMostBytes = 9e18;

// The number of bytes that the text says, which may be too large.
std::optional<double> stated_bytes(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  const std::string_view unit(next, static_cast<size_t>(end - next));
  for (const Unit& candidate : kUnits) {
    if (candidate.name == unit) return number * candidate.bytes;
  }
  return std::nullopt;
}

// "8M", "8 mib" and the like: what was probably meant, "8MiB"; empty where nothing is near.
std::string likely_size(const std::string& text) {
  const size_t digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string::npos) return "";
  const size_t letter = text.find_first_not_of(' ', digits);
  if (letter == std::string::npos) return "";
  const char unit = static_cast<char>(std::toupper(static_cast<unsigned char>(text[letter])));
  if (unit != 'K' && unit != 'M' && unit != 'G') return "";
  std::string likely = text.substr(0, digits) + unit + "iB";
  return parse_size(likely) ? likely : "";
}

}  // namespace

std::optional<int64_t> parse_size(std::string_view text) {
  const std::optional<double> bytes = stated_bytes(text);
  if (!bytes || *bytes > kMostBytes) return std::nullopt;
  return static_cast<int64_t>(std::llround(*bytes));
}

Result<int64_t> parse_size_flag(std::string_view flag, const std::string& text) {
  if (const std::optional<int64_t> bytes = parse_size(text)) return *bytes;
  if (stated_bytes(text)) {
    return Error{Code::kUsage, std::string(flag) + ": '" + text + "' is more bytes than there are"};
  }
  const std::string likely = likely_size(text);
  return Error{Code::kUsage, std::string(flag) +
                                 ": needed a size such as 8MiB (binary KiB, MiB, GiB; decimal KB, "
                                 "MB, GB; without a unit bytes), found '" +
                                 text + '\'' + (likely.empty() ? "" : "; " + likely + "?")};
}

std::string unit_hint(const std::string& text) {
  constexpr int64_t kMostLikelyMeantAsBytes = 4096;
  const std::optional<int64_t> bytes = parse_size(text);
  const bool has_unit = text.find_first_not_of("0123456789") != std::string::npos;
  if (!bytes || has_unit || *bytes == 0 || *bytes >= kMostLikelyMeantAsBytes) return "";
  return text + " without a unit is bytes; " + text + "MiB has " +
         exact_size_text(*bytes * (1 << 20));
}

}  // namespace memopt
