#include "tools/cli/names.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace memopt {
namespace {

// Levenshtein's distance.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t k = 0; k < b.size(); ++k) {
      const size_t change = diagonal + (a[i] == b[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({change, row[k] + 1, row[k + 1] + 1});
    }
  }
  return row[b.size()];
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) {
    text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

// The nearest names, nearest first: those that begin alike or differ in a third of their letters.
std::vector<std::string_view> alike(std::string_view name,
                                    std::span<const std::string_view> known) {
  constexpr size_t kMost = 5;
  constexpr size_t kLongestCompared = 100;
  if (name.empty() || name.size() > kLongestCompared) return {};
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const std::string_view candidate : known) {
    const auto [shorter, longer] = std::minmax({name.size(), candidate.size()});
    const bool begins_alike = candidate.starts_with(name);
    if (!begins_alike && 3 * (longer - shorter) > longer) continue;  // it is no nearer than that
    const size_t apart = distance(name, candidate);
    if (begins_alike || 3 * apart <= longer) {
      near.emplace_back(apart, candidate);
    }
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string_view> names;
  for (const auto& [apart, candidate] : near) {
    if (names.size() < kMost) names.push_back(candidate);
  }
  return names;
}

}  // namespace

Error unknown_name(std::string_view flag, std::string_view name,
                   std::span<const std::string_view> known) {
  constexpr size_t kFew = 12;
  const std::vector<std::string_view> near = alike(name, known);
  std::string message = std::string(flag) + ": unknown '" + std::string(name) + "'; ";
  message += near.empty() ? "" : "did you mean " + joined(near) + "?";
  if (near.empty() || known.size() <= kFew) {
    message += (near.empty() ? "known: " : " Known: ") + joined(known);
  }
  return {Code::kUsage, message};
}

}  // namespace memopt
