#include "passes/planning/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>

#include "runtime/base/checked.h"
#include "runtime/base/printable.h"

namespace memopt {
namespace {

enum Column {
  kId,
  kLower,
  kUpper,
  kEnd,
  kSize,
  kAlignment,
  kGaps,
  kFixed,
  kSpace,
  kConflicts,
  kOffset
};
constexpr size_t kColumns = kOffset + 1;

struct ColumnName {
  std::string_view name;
  Column column;
};
constexpr ColumnName kNames[] = {
    {"id", kId},       {"buffer", kId},           {"buffer_id", kId},  {"lower", kLower},
    {"start", kLower}, {"begin", kLower},         {"upper", kUpper},   {"end", kEnd},
    {"size", kSize},   {"alignment", kAlignment}, {"gaps", kGaps},     {"fixed_offset", kFixed},
    {"space", kSpace}, {"conflicts", kConflicts}, {"offset", kOffset},
};

// What spreadsheets put in front of UTF-8.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view trimmed(std::string_view text) {
  const size_t from = text.find_first_not_of(" \t\r");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

// Cuts the part before the next separator off `text`.
std::string_view next_part(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  const std::string_view part = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  return part;
}

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const bool last = text.find(separator) == std::string_view::npos;
    parts.push_back(trimmed(next_part(text, separator)));
    if (last) return parts;
  }
}

// For messages: hostile cells may be long.
std::string quoted(std::string_view text) {
  constexpr size_t kMost = 40;
  return "'" + std::string(text.substr(0, kMost)) + (text.size() > kMost ? "...'" : "'");
}

Result<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return bad_input(quoted(text) + " is too large");
  if (error != std::errc() || end != text.data() + text.size()) {
    return bad_input(quoted(text) + " is no integer");
  }
  return value;
}

// "a<separator>b"; the separator is looked for after the first character, which may be a sign.
Result<std::pair<int64_t, int64_t>> parse_range(std::string_view text, char separator) {
  const size_t at = text.find(separator, 1);
  if (at == std::string_view::npos) {
    return bad_input(quoted(text) + " is no range with '" + separator + "'");
  }
  MEMOPT_ASSIGN_OR_RETURN(const int64_t first, parse_integer(text.substr(0, at)));
  MEMOPT_ASSIGN_OR_RETURN(const int64_t second, parse_integer(text.substr(at + 1)));
  return std::pair{first, second};
}

class Parser {
 public:
  Result<MemoryCsv> parse(std::string_view text) {
    csv_.problem.spaces.clear();
    if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    while (!text.empty()) {
      ++line_;
      const std::string_view line = trimmed(next_part(text, '\n'));
      if (line.empty()) continue;
      const Status status = width_ == 0 ? header(line) : row(line);
      if (!status.ok()) return in_context("line " + std::to_string(line_), status.error());
    }
    if (width_ == 0) return bad_input("no header: the columns id, lower, upper, size are expected");
    if (csv_.problem.spaces.empty()) csv_.problem.spaces.emplace_back();
    if (has(kConflicts)) MEMOPT_RETURN_IF_ERROR(conflicts());
    MEMOPT_RETURN_IF_ERROR(check_problem(csv_.problem));
    return std::move(csv_);
  }

 private:
  bool has(Column column) const { return position_[column].has_value(); }
  std::string_view cell(Column column) const { return cells_[*position_[column]]; }

  Status header(std::string_view line) {
    const auto names = parts_of(line, ',');
    width_ = names.size();
    for (size_t i = 0; i < names.size(); ++i) {
      const auto known = std::find_if(std::begin(kNames), std::end(kNames),
                                      [&](const ColumnName& n) { return n.name == names[i]; });
      if (known == std::end(kNames)) return bad_input("unknown column " + quoted(names[i]));
      if (has(known->column)) return bad_input("column " + quoted(names[i]) + " appears twice");
      position_[known->column] = i;
    }
    const bool lifetimes = has(kLower) && (has(kUpper) || has(kEnd));
    if (!has(kId) || !has(kSize) || (!lifetimes && !has(kConflicts))) {
      return bad_input("the columns id, lower, upper, size are needed");
    }
    if (has(kUpper) && has(kEnd)) return bad_input("both 'upper' and 'end' are given");
    return {};
  }

  Status row(std::string_view line) {
    cells_ = parts_of(line, ',');
    if (cells_.size() != width_) {
      return bad_input(std::to_string(cells_.size()) + " cells, the header has " +
                       std::to_string(width_));
    }
    MemoryBuffer buffer;
    buffer.name = cell(kId);
    MEMOPT_RETURN_IF_ERROR(integer(kLower, buffer.lower));
    MEMOPT_RETURN_IF_ERROR(integer(kUpper, buffer.upper));
    MEMOPT_RETURN_IF_ERROR(integer(kSize, buffer.size_bytes));
    MEMOPT_RETURN_IF_ERROR(integer(kAlignment, buffer.alignment));
    if (has(kEnd)) {
      MEMOPT_RETURN_IF_ERROR(integer(kEnd, buffer.upper));
      MEMOPT_RETURN_IF_ERROR(make_half_open(buffer.upper));
    }
    if (has(kGaps)) MEMOPT_RETURN_IF_ERROR(gaps(cell(kGaps), buffer));
    if (has(kSpace)) buffer.space = space(cell(kSpace));
    if (has(kFixed) && !cell(kFixed).empty()) {
      MEMOPT_RETURN_IF_ERROR(integer(kFixed, buffer.fixed_offset.emplace()));
    }
    if (has(kOffset)) {
      csv_.offsets.emplace_back();
      if (!cell(kOffset).empty()) {
        MEMOPT_RETURN_IF_ERROR(integer(kOffset, csv_.offsets.back().emplace()));
      }
    }
    if (has(kConflicts)) conflict_cells_.push_back(cell(kConflicts));
    csv_.problem.buffers.push_back(std::move(buffer));
    return {};
  }

  // Leaves `value` alone when there is no such column.
  Status integer(Column column, int64_t& value) const {
    if (!has(column)) return {};
    const Result<int64_t> parsed = parse_integer(cell(column));
    if (!parsed.ok()) return in_context(quoted(cell(kId)), parsed.error());
    value = *parsed;
    return {};
  }

  static Status make_half_open(int64_t& end) {
    const auto upper = checked_add(end, 1);
    if (!upper) return bad_input("'end' is too large");
    end = *upper;
    return {};
  }

  Status gaps(std::string_view text, MemoryBuffer& buffer) const {
    while (!text.empty()) {
      std::string_view part = next_part(text, ' ');
      if (part.empty()) continue;
      const bool has_window = part.find('@') != std::string_view::npos;
      MEMOPT_ASSIGN_OR_RETURN(const auto steps, parse_range(next_part(part, '@'), '-'));
      MemoryGap gap{.lower = steps.first, .upper = steps.second, .window = {}};
      if (has(kEnd)) MEMOPT_RETURN_IF_ERROR(make_half_open(gap.upper));
      if (has_window) {
        MEMOPT_ASSIGN_OR_RETURN(const auto bytes, parse_range(part, ':'));
        gap.window = ByteRange{bytes.first, bytes.second};
      }
      buffer.gaps.push_back(gap);
    }
    return {};
  }

  uint32_t space(std::string_view name) {
    const auto [at, is_new] = spaces_.try_emplace(std::string(name), spaces_.size());
    if (is_new) csv_.problem.spaces.push_back({std::string(name), {}});
    return static_cast<uint32_t>(at->second);
  }

  Status conflicts() {
    std::unordered_map<std::string_view, uint32_t> index;
    const auto& buffers = csv_.problem.buffers;
    for (uint32_t i = 0; i < buffers.size(); ++i) {
      if (!index.try_emplace(buffers[i].name, i).second) {
        return bad_input("two buffers have the id " + quoted(buffers[i].name));
      }
    }
    auto& edges = csv_.problem.interference.emplace().edges;
    for (uint32_t i = 0; i < buffers.size(); ++i) {
      for (std::string_view text = conflict_cells_[i]; !text.empty();) {
        const std::string_view name = next_part(text, ' ');
        if (name.empty()) continue;
        const auto other = index.find(name);
        if (other == index.end()) {
          return bad_input(quoted(buffers[i].name) + " conflicts with the unknown " + quoted(name));
        }
        if (other->second == i) return bad_input(quoted(name) + " conflicts with itself");
        edges.emplace_back(std::min(i, other->second), std::max(i, other->second));
      }
    }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    return {};
  }

  MemoryCsv csv_;
  int64_t line_ = 0;
  size_t width_ = 0;  // cells per row, once the header is read
  std::array<std::optional<size_t>, kColumns> position_;
  std::vector<std::string_view> cells_;
  std::vector<std::string_view> conflict_cells_;
  std::unordered_map<std::string, size_t> spaces_;
};

std::string print_gaps(const std::vector<MemoryGap>& gaps) {
  std::string text;
  for (const MemoryGap& gap : gaps) {
    if (!text.empty()) text += ' ';
    text += std::to_string(gap.lower) + "-" + std::to_string(gap.upper);
    if (gap.window) {
      text += "@" + std::to_string(gap.window->begin) + ":" + std::to_string(gap.window->end);
    }
  }
  return text;
}

}  // namespace

Result<MemoryCsv> parse_memory_csv(std::string_view text) { return Parser().parse(text); }

Result<std::string> print_memory_csv(const MemoryProblem& problem,
                                     const std::vector<int64_t>& offsets) {
  const auto any = [&](auto has) {
    return std::any_of(problem.buffers.begin(), problem.buffers.end(), has);
  };
  const bool alignments = any([](const MemoryBuffer& b) { return b.alignment != 1; });
  const bool gaps = any([](const MemoryBuffer& b) { return !b.gaps.empty(); });
  const bool fixed = any([](const MemoryBuffer& b) { return b.fixed_offset.has_value(); });
  const bool spaces = problem.spaces.size() > 1 || !problem.spaces.front().name.empty();
  std::vector<std::string> conflicts(problem.interference ? problem.buffers.size() : 0);
  if (problem.interference) {
    for (const auto& [a, b] : problem.interference->edges) {
      conflicts[a] += (conflicts[a].empty() ? "" : " ") + printable(problem.buffers[b].name);
    }
  }
  const std::string_view reserved = problem.interference ? ", " : ",";
  std::string text = "id,lower,upper,size";
  if (alignments) text += ",alignment";
  if (gaps) text += ",gaps";
  if (fixed) text += ",fixed_offset";
  if (spaces) text += ",space";
  if (problem.interference) text += ",conflicts";
  if (!offsets.empty()) text += ",offset";
  text += '\n';
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    const MemoryBuffer& b = problem.buffers[i];
    const std::string name = printable(b.name);
    const std::string space = printable(problem.spaces[b.space].name);
    if (name.find_first_of(reserved) != std::string::npos ||
        (spaces && space.find(',') != std::string::npos)) {
      return bad_input("the name " + quoted(b.name) + " cannot be written as a CSV cell");
    }
    text += name + ',' + std::to_string(b.lower) + ',' + std::to_string(b.upper) + ',' +
            std::to_string(b.size_bytes);
    if (alignments) text += ',' + std::to_string(b.alignment);
    if (gaps) text += ',' + print_gaps(b.gaps);
    if (fixed) text += ',' + (b.fixed_offset ? std::to_string(*b.fixed_offset) : std::string());
    if (spaces) text += ',' + space;
    if (problem.interference) text += ',' + conflicts[i];
    if (!offsets.empty()) text += ',' + std::to_string(offsets[i]);
    text += '\n';
  }
  return text;
}

}  // namespace memopt
