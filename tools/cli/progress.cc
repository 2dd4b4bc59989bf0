#include "tools/cli/progress.h"

#include <charconv>
#include <ostream>

#include "runtime/base/size_text.h"

namespace memopt {

std::string with_readable_sizes(std::string_view stage) {
  constexpr std::string_view kUnit = " bytes";
  constexpr std::string_view kDigits = "0123456789";
  std::string text;
  for (;;) {
    const size_t digits = stage.find_first_of(kDigits);
    if (digits == std::string_view::npos) return text.append(stage);
    const size_t behind = std::min(stage.find_first_not_of(kDigits, digits), stage.size());
    int64_t bytes = 0;
    const auto [end, error] = std::from_chars(stage.data() + digits, stage.data() + behind, bytes);
    const bool is_size = error == std::errc() && stage.substr(behind).starts_with(kUnit);
    text.append(stage.substr(0, is_size ? digits : behind));
    if (is_size) text += both_sizes_text(bytes);
    stage.remove_prefix(is_size ? behind + kUnit.size() : behind);
  }
}

void Progress::stage(std::string_view name) {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
  if (!active_ || elapsed.count() < quiet_seconds_) return;
  clear();
  err_ << '[' << static_cast<int>(elapsed.count()) << " s] " << with_readable_sizes(name) << "..."
       << std::flush;
  shown_ = true;
}

void Progress::clear() {
  if (shown_) err_ << "\r\033[K" << std::flush;
  shown_ = false;
}

}  // namespace memopt
