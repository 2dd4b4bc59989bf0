#include "passes/emit/report_diff.h"

#include <algorithm>
#include <map>

#include "nlohmann/json.hpp"
#include "passes/emit/text_table.h"
#include "runtime/base/json_text.h"

namespace memopt {
namespace {

using nlohmann::json;

constexpr auto kLeft = TextTable::Align::kLeft;
constexpr auto kRight = TextTable::Align::kRight;

std::string signed_size(int64_t bytes) {
  return bytes > 0 ? '+' + size_text(bytes) : bytes < 0 ? size_text(bytes) : "same";
}

// Tensors of two reports that have the same name. Names are unique in a plan.
struct TensorChanges {
  std::vector<uint32_t> added;    // of `after`
  std::vector<uint32_t> removed;  // of `before`
  std::vector<std::pair<uint32_t, uint32_t>> resized, moved;
};

TensorChanges compare_tensors(const Report& before, const Report& after) {
  std::map<std::string_view, uint32_t> old;
  for (uint32_t i = 0; i < before.tensors.size(); ++i) old.emplace(before.tensors[i].name, i);
  TensorChanges changes;
  for (uint32_t i = 0; i < after.tensors.size(); ++i) {
    const ReportTensor& now = after.tensors[i];
    const auto found = old.find(now.name);
    if (found == old.end()) {
      changes.added.push_back(i);
      continue;
    }
    const ReportTensor& was = before.tensors[found->second];
    if (was.bytes != now.bytes || was.storage != now.storage) {
      changes.resized.emplace_back(found->second, i);
    } else if (was.offset != now.offset || was.begin != now.begin || was.end != now.end) {
      changes.moved.emplace_back(found->second, i);
    }
    old.erase(found);
  }
  for (const auto& [name, i] : old) changes.removed.push_back(i);
  const auto larger_first = [](const Report& report) {
    return [&report](uint32_t a, uint32_t b) {
      return std::pair(-report.tensors[a].bytes, a) < std::pair(-report.tensors[b].bytes, b);
    };
  };
  std::sort(changes.added.begin(), changes.added.end(), larger_first(after));
  std::sort(changes.removed.begin(), changes.removed.end(), larger_first(before));
  return changes;
}

std::string tensor_line(const ReportTensor& tensor) {
  return printable(tensor.name, 56) + "  " + size_text(tensor.bytes) + "  " +
         std::string(storage_name(tensor.storage)) + "  " + to_string(tensor.type);
}

// "added: 3" and the first lines of it.
template <typename Item, typename Line>
void append_list(std::string& out, const char* title, const std::vector<Item>& items, size_t most,
                 Line&& line) {
  if (items.empty()) return;
  out += '\n' + std::string(title) + ": " + count_text(static_cast<int64_t>(items.size())) + '\n';
  for (size_t k = 0; k < std::min(most, items.size()); ++k) out += "  " + line(items[k]) + '\n';
  if (items.size() > most) out += "  ...\n";
}

std::string peak_line(const Report& report) {
  if (report.steps.empty()) return "no steps";
  const ReportStep& step = report.steps[static_cast<size_t>(report.peak_step)];
  std::string out = printable(step.name, 56) + " (" + step.op + "):";
  for (size_t k = 0; k < std::min<size_t>(3, report.peak_tensors.size()); ++k) {
    const ReportTensor& tensor = report.tensors[report.peak_tensors[k]];
    out += (k > 0 ? ", " : " ") + printable(tensor.name, 40) + ' ' + size_text(tensor.bytes);
  }
  return out;
}

}  // namespace

std::vector<FigureChange> compare_figures(const Report& before, const Report& after) {
  std::vector<FigureChange> out;
  const auto add = [&](const char* name, bool gated, auto&& get) {
    out.push_back({name, get(before), get(after), gated});
  };
  add("arena_bytes", true, [](const Report& r) { return r.bytes.arena; });
  add("lower_bound_bytes", false, [](const Report& r) { return r.lower_bound_bytes; });
  add("naive_bytes", false, [](const Report& r) { return r.naive_bytes; });
  add("scratch_bytes", false, [](const Report& r) { return r.bytes.max_scratch; });
  add("constants_bytes", true, [](const Report& r) { return r.bytes.constants; });
  add("io_bytes", true, [](const Report& r) { return r.bytes.io; });
  add("state_bytes", true, [](const Report& r) { return r.bytes.state; });
  add("total_bytes", false, [](const Report& r) { return r.bytes.total(); });
  add("step_count", false, [](const Report& r) { return static_cast<int64_t>(r.steps.size()); });
  return out;
}

std::string diff_text(const Report& before, const Report& after, size_t most_tensors) {
  TextTable table({kLeft, kRight, kRight, kRight, kRight});
  table.add({"", "before", "after", "change", ""});
  for (const FigureChange& figure : compare_figures(before, after)) {
    const int64_t change = figure.after - figure.before;
    const bool bytes = figure.name.ends_with("_bytes");
    table.add({figure.name, count_text(figure.before), count_text(figure.after),
               change == 0 ? "same"
               : bytes     ? signed_size(change)
                           : count_text(change),
               change == 0
                   ? ""
                   : (change > 0 ? "+" : "-") + percent_text(std::abs(change), figure.before)});
  }
  std::string out = table.text();
  out += "\npeak before: " + peak_line(before) + "\npeak after:  " + peak_line(after) + '\n';
  const TensorChanges changes = compare_tensors(before, after);
  append_list(out, "added", changes.added, most_tensors,
              [&](uint32_t i) { return tensor_line(after.tensors[i]); });
  append_list(out, "removed", changes.removed, most_tensors,
              [&](uint32_t i) { return tensor_line(before.tensors[i]); });
  append_list(out, "changed size or storage", changes.resized, most_tensors,
              [&](const std::pair<uint32_t, uint32_t>& pair) {
                return tensor_line(after.tensors[pair.second]) + ", was " +
                       size_text(before.tensors[pair.first].bytes) + ' ' +
                       std::string(storage_name(before.tensors[pair.first].storage));
              });
  append_list(out, "moved", changes.moved, most_tensors,
              [&](const std::pair<uint32_t, uint32_t>& pair) {
                const ReportTensor& was = before.tensors[pair.first];
                const ReportTensor& now = after.tensors[pair.second];
                return printable(now.name, 56) + "  offset " + count_text(was.offset) + " -> " +
                       count_text(now.offset) + ", steps [" + std::to_string(was.begin) + ", " +
                       std::to_string(was.end) + ") -> [" + std::to_string(now.begin) + ", " +
                       std::to_string(now.end) + ')';
              });
  return out;
}

std::string diff_json(const Report& before, const Report& after) {
  json out = {
      {"schema", "memopt.diff/1"}, {"figures", json::object()}, {"tensors", json::object()}};
  for (const FigureChange& figure : compare_figures(before, after)) {
    out["figures"][figure.name] = {{"before", figure.before}, {"after", figure.after}};
  }
  const TensorChanges changes = compare_tensors(before, after);
  json& tensors = out["tensors"];
  tensors = {{"added", json::array()},
             {"removed", json::array()},
             {"resized", json::array()},
             {"moved", json::array()}};
  for (const uint32_t i : changes.added) {
    tensors["added"].push_back(
        {{"name", after.tensors[i].name}, {"bytes", after.tensors[i].bytes}});
  }
  for (const uint32_t i : changes.removed) {
    tensors["removed"].push_back(
        {{"name", before.tensors[i].name}, {"bytes", before.tensors[i].bytes}});
  }
  for (const auto& [was, now] : changes.resized) {
    tensors["resized"].push_back({{"name", after.tensors[now].name},
                                  {"before", before.tensors[was].bytes},
                                  {"after", after.tensors[now].bytes}});
  }
  for (const auto& [was, now] : changes.moved) {
    tensors["moved"].push_back({{"name", after.tensors[now].name},
                                {"before", before.tensors[was].offset},
                                {"after", after.tensors[now].offset}});
  }
  return json_text(out) + '\n';
}

Status check_growth(const std::vector<FigureChange>& figures, const Report& after) {
  std::string grown;
  for (const FigureChange& figure : figures) {
    if (!figure.gated || figure.after <= figure.before) continue;
    if (!grown.empty()) grown += "; ";
    grown += figure.name + " grew from " + both_sizes_text(figure.before) + " to " +
             both_sizes_text(figure.after) + ", by " +
             both_sizes_text(figure.after - figure.before);
  }
  if (grown.empty()) return {};
  return Error{Code::kRegression, grown + ". The peak is at " + peak_line(after)};
}

}  // namespace memopt
