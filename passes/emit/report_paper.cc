#include "passes/emit/report_paper.h"

#include <algorithm>

#include "passes/emit/html_text.h"
#include "passes/emit/text_table.h"

namespace memopt {
namespace {

constexpr size_t kArenaRows = 12, kConstantRows = 3, kStepRows = 6;
constexpr size_t kNameColumns = 54;  // a line, of narrow letters

struct Column {
  const char* style;  // a class of report.css
  const char* title;
};
using Row = std::vector<std::string>;  // a cell for each column

std::string life_text(const ReportTensor& tensor) {
  if (tensor.end <= tensor.begin) return "never used";
  return count_text(tensor.begin) + " to " + count_text(tensor.end - 1);
}

class Table {
 public:
  Table(const char* title, std::vector<Column> columns)
      : title_(title), columns_(std::move(columns)) {}

  void add(const Row& cells) {
    rows_ += "<tr>";
    for (size_t i = 0; i < cells.size(); ++i) {
      rows_ +=
          std::string("<td class=\"") + columns_[i].style + "\">" + html_text(cells[i]) + "</td>";
    }
    rows_ += "</tr>\n";
  }

  // Nothing where the table has no row.
  std::string html(const std::string& left_out) const {
    if (rows_.empty()) return "";
    std::string out = std::string("<h2>") + title_ + "</h2>\n<table><thead><tr>";
    for (const Column& column : columns_) {
      out +=
          std::string("<th scope=\"col\" class=\"") + column.style + "\">" + column.title + "</th>";
    }
    out += "</tr></thead>\n<tbody>\n" + rows_ + "</tbody></table>\n";
    if (!left_out.empty()) out += "<p class=\"muted\">" + left_out + "</p>\n";
    return out;
  }

 private:
  const char* title_;
  std::vector<Column> columns_;
  std::string rows_;
};

std::string left_out_text(size_t rows, size_t shown, const char* what, int64_t largest_bytes) {
  if (rows <= shown) return "";
  return count_text(static_cast<int64_t>(rows - shown)) + " of " +
         count_text(static_cast<int64_t>(rows)) + ' ' + what + " are left out, of " +
         size_text(largest_bytes) + " or less.";
}

// The tensors that own bytes in `storage`, largest first.
std::vector<uint32_t> largest_roots(const Report& report, Storage storage) {
  std::vector<uint32_t> roots;
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    if (tensor.storage == storage && tensor.root == i) roots.push_back(i);
  }
  std::stable_sort(roots.begin(), roots.end(), [&](uint32_t a, uint32_t b) {
    return report.tensors[a].bytes > report.tensors[b].bytes;
  });
  return roots;
}

std::string tensors_html(const Report& report, Storage storage, const char* title, size_t most) {
  const std::vector<uint32_t> roots = largest_roots(report, storage);
  const bool lives = storage == Storage::kArena;
  std::vector<Column> columns = {
      {"num index", "#"}, {"label", "Name"}, {"type", "Type"}, {"num bytes", "Size"}};
  if (lives) columns.push_back({"life", "Steps"});
  Table table(title, std::move(columns));
  const size_t shown = std::min(most, roots.size());
  for (size_t k = 0; k < shown; ++k) {
    const ReportTensor& tensor = report.tensors[roots[k]];
    Row row = {count_text(roots[k]), printable(tensor.name, kNameColumns),
               printable(to_string(tensor.type), 48), size_text(tensor.bytes)};
    if (lives) row.push_back(life_text(tensor));
    table.add(row);
  }
  return table.html(left_out_text(roots.size(), shown, "tensors",
                                  shown < roots.size() ? report.tensors[roots[shown]].bytes : 0));
}

std::string steps_html(const Report& report) {
  std::vector<size_t> order(report.steps.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return report.steps[a].live_bytes > report.steps[b].live_bytes;
  });
  Table table("Steps with the most live bytes", {{"num index", "#"},
                                                 {"label", "Node"},
                                                 {"op", "Operator"},
                                                 {"num bytes", "Live"},
                                                 {"num bytes", "Operands"},
                                                 {"num bytes", "Scratch"}});
  const size_t shown = std::min(kStepRows, order.size());
  for (size_t k = 0; k < shown; ++k) {
    const ReportStep& step = report.steps[order[k]];
    table.add({count_text(static_cast<int64_t>(order[k])), printable(step.name, kNameColumns),
               step.op, size_text(step.live_bytes), size_text(step.working_set_bytes),
               size_text(step.scratch_bytes)});
  }
  return table.html(
      left_out_text(order.size(), shown, "steps",
                    shown < order.size() ? report.steps[order[shown]].live_bytes : 0));
}

}  // namespace

std::string paper_tables_html(const Report& report) {
  const std::string tables =
      tensors_html(report, Storage::kArena, "Largest tensors of the arena", kArenaRows) +
      steps_html(report) +
      tensors_html(report, Storage::kConstant, "Largest constants", kConstantRows);
  if (tables.empty()) return "";
  return "<section class=\"panel paper\">\n" + tables + "</section>\n";
}

}  // namespace memopt
