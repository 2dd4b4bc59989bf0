#include "passes/emit/report_text.h"

#include <algorithm>

#include "passes/emit/text_table.h"

namespace memopt {
namespace {

constexpr auto kLeft = TextTable::Align::kLeft;
constexpr auto kRight = TextTable::Align::kRight;
constexpr size_t kNameColumns = 56;

std::string step_title(const Report& report, int64_t index) {
  const ReportStep& step = report.steps[static_cast<size_t>(index)];
  return "step " + std::to_string(index) + ", " + printable(step.name, kNameColumns) + " (" +
         step.op + ')';
}

bool uses_root(const Report& report, const std::vector<uint32_t>& operands, uint32_t root) {
  return std::any_of(operands.begin(), operands.end(),
                     [&](uint32_t i) { return report.tensors[i].root == root; });
}

// The first step after `step` that reads the root or one of its aliases.
std::optional<int64_t> next_use(const Report& report, uint32_t root, int64_t step) {
  for (auto i = static_cast<size_t>(step) + 1; i < report.steps.size(); ++i) {
    if (uses_root(report, report.steps[i].inputs, root)) return static_cast<int64_t>(i);
  }
  return std::nullopt;
}

// Why a tensor that is alive at `step` is alive.
std::string reason_alive(const Report& report, uint32_t root, int64_t step) {
  const ReportStep& at = report.steps[static_cast<size_t>(step)];
  if (uses_root(report, at.outputs, root)) return "written here";
  if (uses_root(report, at.inputs, root)) return "read here";
  if (const auto next = next_use(report, root, step))
    return "waits for step " + std::to_string(*next);
  if (report.tensors[root].begin < step && report.tensors[root].end > step + 1)
    return "an output, done";
  return "part of it written later";
}

std::string io_note(const ReportBytes& bytes) {
  const bool by_caller = bytes.io_in_arena == 0;
  std::string note = by_caller ? "bound by the caller"
                     : bytes.io_in_arena == bytes.io
                         ? "in the arena"
                         : size_text(bytes.io_in_arena) + " of it in the arena";
  if (bytes.arena_other_io) {
    note += by_caller ? "; with them in it the arena is " : "; bound by the caller the arena is ";
    note += both_sizes_text(*bytes.arena_other_io);
  }
  return note;
}

std::string naive_note(const Report& report) {
  if (report.bytes.arena == 0) return "";
  const int64_t tenths = (report.naive_bytes * 10 + report.bytes.arena / 2) / report.bytes.arena;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " times the arena";
}

std::string classes_text(const Report& report) {
  const ReportBytes& bytes = report.bytes;
  TextTable table({kLeft, kRight, kRight, kLeft});
  const auto add = [&](const char* name, int64_t size, std::string note) {
    table.add({name, size_text(size), exact_size_text(size), std::move(note)});
  };
  add("arena", bytes.arena, "one run");
  add("  activations", bytes.arena_activations, "at the peak");
  add("  scratch", bytes.arena_scratch,
      bytes.max_scratch == bytes.arena_scratch
          ? "at the peak"
          : "at the peak; largest of any step " + size_text(bytes.max_scratch));
  add("  padding", bytes.arena_padding, "alignment at the peak");
  add("  unused", bytes.arena_fragmentation, "what the placement could not use at the peak");
  add("lower bound", report.lower_bound_bytes,
      report.gap_bytes() == 0
          ? "reached"
          : "gap " + percent_text(report.gap_bytes(), report.lower_bound_bytes));
  add("naive", report.naive_bytes, naive_note(report));
  add("constants", bytes.constants, "read-only, mapped from the plan");
  add("inputs, outputs", bytes.io, io_note(bytes));
  add("state", bytes.state, "kept between runs");
  if (bytes.runtime) {
    add("runtime", *bytes.runtime,
        bytes.runtime_is_estimate ? "structures made at load, estimated"
                                  : "structures made at load");
    add("all together", bytes.total(), "one session");
  } else {
    table.add({"runtime", "-", "", "made at load; memopt-run measures it"});
    add("all together", bytes.total(), "one session, without runtime");
  }
  return table.text(2);
}

std::string peak_text(const Report& report, size_t most, bool with_free = false) {
  TextTable table({kRight, kRight, kLeft, kLeft, kLeft});
  const int64_t peak = report.peak_step;
  const ReportStep& step = report.steps[static_cast<size_t>(peak)];
  size_t shown = 0;
  for (const uint32_t i : report.peak_tensors) {
    if (++shown > most) break;
    const ReportTensor& tensor = report.tensors[i];
    table.add({size_text(tensor.bytes), exact_size_text(tensor.bytes),
               reason_alive(report, i, peak), printable(tensor.name, kNameColumns),
               to_string(tensor.type)});
  }
  if (step.scratch_bytes > 0) {
    table.add({size_text(step.scratch_bytes), exact_size_text(step.scratch_bytes), "scratch",
               printable(step.kernel, kNameColumns)});
  }
  if (with_free) {
    const ReportBytes& bytes = report.bytes;
    table.add({size_text(bytes.arena_padding), exact_size_text(bytes.arena_padding), "alignment",
               "blocks begin at multiples of 64 bytes"});
    table.add({size_text(bytes.arena_fragmentation), exact_size_text(bytes.arena_fragmentation),
               "unused", "free at that step, and no placement found does without"});
  }
  std::string out = table.text(2);
  if (report.peak_tensors.size() > most) {
    out += "  and " + count_text(static_cast<int64_t>(report.peak_tensors.size() - most)) +
           " smaller ones\n";
  }
  return out;
}

std::string suggestions_text(const Report& report) {
  std::string out;
  int number = 0;
  for (const Suggestion& suggestion : report.suggestions) {
    out += "  " + std::to_string(++number) + ". " + printable(suggestion.action, 160) + "\n     ";
    out += (suggestion.estimate ? "about -" : "at most -") + size_text(suggestion.saves_bytes);
    out += suggestion.constants ? " of constants" : " of arena";
    if (suggestion.estimate) out += " (estimate)";
    out += "; costs " + std::string(cost_name(suggestion.cost)) + ". ";
    out += printable(suggestion.reason, 240) + '\n';
  }
  return out.empty() ? "  nothing: there is nothing to save\n" : out;
}

std::string heading(const Report& report) {
  std::string out = report.model.empty() ? "unnamed model" : printable(report.model, 100);
  if (!report.graph.empty() && report.graph != report.model) {
    out += " (" + printable(report.graph, 60) + ')';
  }
  out += ": " + count_text(static_cast<int64_t>(report.steps.size())) + " steps, " +
         count_text(static_cast<int64_t>(report.tensors.size())) + " tensors, target " +
         report.target;
  for (const std::string& shape : report.shapes) {
    out += (&shape == report.shapes.data() ? ", for " : ", ") + printable(shape, 60);
  }
  if (!report.bound_method.empty()) out += ", planned by " + printable(report.bound_method, 100);
  return out + '\n';
}

// What one step starts and ends, in words.
std::string changes_text(const Report& report, int64_t step) {
  std::string begins, ends;
  const auto append = [&](std::string& list, const ReportTensor& tensor) {
    if (!list.empty()) list += ", ";
    list += printable(tensor.name, 40) + ' ' + size_text(tensor.bytes);
  };
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    if (tensor.storage != Storage::kArena || tensor.root != i) continue;
    if (tensor.begin == step) append(begins, tensor);
    if (tensor.end == step + 1) append(ends, tensor);
  }
  std::string out;
  if (!begins.empty()) out += "+ " + begins;
  if (!ends.empty()) out += (out.empty() ? "" : "; ") + std::string("then frees ") + ends;
  return out;
}

// The steps before and after the peak, one line each.
std::string around_peak_text(const Report& report) {
  constexpr int64_t kAround = 3;
  const auto steps = static_cast<int64_t>(report.steps.size());
  TextTable table({kRight, kRight, kLeft, kLeft});
  for (int64_t i = std::max<int64_t>(0, report.peak_step - kAround);
       i < std::min(steps, report.peak_step + kAround + 1); ++i) {
    const ReportStep& step = report.steps[static_cast<size_t>(i)];
    std::string what = changes_text(report, i);
    if (step.scratch_bytes > 0) {
      what += (what.empty() ? "" : "; ") + std::string("scratch ") + size_text(step.scratch_bytes);
    }
    table.add({(i == report.peak_step ? "> " : "") + std::to_string(i), size_text(step.live_bytes),
               printable(step.name, 40), std::move(what)});
  }
  return table.text(2);
}

}  // namespace

std::string verdict_text(const Report& report) {
  const bool all_orders = report.bound_kind == BoundKind::kAllOrders;
  if (report.steps.empty()) return "nothing to run";
  const std::string_view claimed =
      report.bound_is_claimed ? " (as its compiler claims; memopt-verify --certificate checks it)"
                              : "";
  if (report.proved_optimal()) {
    return (all_orders ? "proved optimal: no order of the steps and no placement needs less"
                       : "proved optimal for this order of the steps; another order might need "
                         "less") +
           std::string(claimed);
  }
  return "within " + percent_text(report.gap_bytes(), report.lower_bound_bytes) +
         " of the lower bound: at most " + both_sizes_text(report.gap_bytes()) +
         " could still be saved" + (all_orders ? "" : " with this order of the steps") +
         std::string(claimed);
}

std::string summary_text(const Report& report) {
  std::string out = heading(report) + verdict_text(report) + "\n\n" + classes_text(report);
  if (!report.steps.empty()) {
    out += "\npeak: " + both_sizes_text(report.peak_live_bytes) + " live at " +
           step_title(report, report.peak_step) + '\n' + peak_text(report, 8);
  }
  return out + "\nwhat to try next\n" + suggestions_text(report);
}

std::string tensors_text(const Report& report) {
  TextTable table({kRight, kLeft, kLeft, kLeft, kRight, kRight, kRight, kRight, kLeft});
  table.add({"#", "name", "type", "where", "bytes", "offset", "from", "until", "alias"});
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    const ReportTensor& tensor = report.tensors[i];
    std::string where(storage_name(tensor.storage));
    if (tensor.is_input) where += ", input";
    if (tensor.is_output) where += ", output";
    std::string alias;
    if (tensor.root != i) {
      alias = (tensor.whole_alias ? "same bytes as " : "part of ") +
              printable(report.tensors[tensor.root].name, kNameColumns);
    }
    table.add({std::to_string(i), printable(tensor.name, kNameColumns), to_string(tensor.type),
               where, count_text(tensor.bytes), count_text(tensor.offset),
               std::to_string(tensor.begin), std::to_string(tensor.end), alias});
  }
  return table.text();
}

std::string steps_text(const Report& report) {
  TextTable table({kRight, kLeft, kLeft, kLeft, kRight, kRight, kRight});
  table.add({"#", "node", "operator", "kernel", "live bytes", "own operands", "scratch"});
  for (size_t i = 0; i < report.steps.size(); ++i) {
    const ReportStep& step = report.steps[i];
    table.add({std::to_string(i), printable(step.name, kNameColumns), step.op,
               printable(step.kernel, kNameColumns), count_text(step.live_bytes),
               count_text(step.working_set_bytes), count_text(step.scratch_bytes)});
  }
  return table.text();
}

std::string explain_text(const Report& report) {
  std::string out = heading(report) + '\n';
  if (report.steps.empty()) return out + "The plan has no steps, so its arena is empty.\n";
  const ReportBytes& bytes = report.bytes;
  const ReportStep& peak = report.steps[static_cast<size_t>(report.peak_step)];
  out += "The arena is " + both_sizes_text(bytes.arena) + " because " +
         both_sizes_text(report.peak_live_bytes) + " must be there at once while " +
         step_title(report, report.peak_step) + " runs.\n";
  out += "Of these the step itself uses " + both_sizes_text(peak.working_set_bytes) + "; " +
         both_sizes_text(std::max<int64_t>(0, report.peak_live_bytes - peak.working_set_bytes)) +
         " belong to tensors that wait for other steps.\n";
  out += "\nEach byte of the arena at that step:\n" + peak_text(report, 40, true);
  out += "\nHow it comes to that (step, live bytes, node, what it starts and frees):\n" +
         around_peak_text(report);
  const auto equal = std::count_if(
      report.steps.begin(), report.steps.end(),
      [&](const ReportStep& step) { return step.live_bytes == report.peak_live_bytes; });
  if (equal > 1) {
    out += count_text(equal) +
           " steps have this peak; all of them must shrink to make the arena smaller.\n";
  }
  out += "\nThe plan is " + verdict_text(report) + ".\n";
  return out + "\nWhat to try next\n" + suggestions_text(report);
}

}  // namespace memopt
