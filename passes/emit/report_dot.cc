#include "passes/emit/report_dot.h"

#include "passes/emit/text_table.h"

namespace memopt {
namespace {

constexpr size_t kNameColumns = 80;

// A quoted DOT string: no control characters, and no escape of the label language.
std::string dot_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool alive_at_peak(const Report& report, uint32_t tensor) {
  const ReportTensor& root = report.tensors[report.tensors[tensor].root];
  return root.storage == Storage::kArena && root.begin <= report.peak_step &&
         report.peak_step < root.end;
}

}  // namespace

std::string report_dot(const Report& report) {
  std::string out = "digraph plan {\n  label=" + dot_string(printable(report.model, kNameColumns)) +
                    ";\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f4f6f8\", "
                    "color=\"#8090a0\", fontname=\"sans-serif\"];\n"
                    "  edge [color=\"#8090a0\", fontname=\"sans-serif\", fontsize=10];\n";
  for (const uint32_t i : {0u, 1u}) {
    const char* kind = i == 0 ? "in" : "out";
    for (uint32_t t = 0; t < report.tensors.size(); ++t) {
      const ReportTensor& tensor = report.tensors[t];
      if (i == 0 ? !tensor.is_input : !tensor.is_output) continue;
      out += std::string("  ") + kind + std::to_string(t) + " [shape=ellipse, label=" +
             dot_string(printable(tensor.name, kNameColumns) + ' ' + to_string(tensor.type)) +
             "];\n";
    }
  }
  for (size_t s = 0; s < report.steps.size(); ++s) {
    const ReportStep& step = report.steps[s];
    out += "  s" + std::to_string(s) + " [label=" +
           dot_string(std::to_string(s) + ": " + printable(step.name, kNameColumns) + " (" +
                      step.op + ") " + size_text(step.live_bytes) + " live");
    if (static_cast<int64_t>(s) == report.peak_step) out += ", fillcolor=\"#f6d9c4\", penwidth=2";
    out += "];\n";
  }
  const auto edge = [&](const std::string& from, const std::string& to, uint32_t tensor) {
    out += "  " + from + " -> " + to +
           " [label=" + dot_string(size_text(report.tensors[tensor].bytes));
    if (alive_at_peak(report, tensor)) out += ", color=\"#c0602a\", penwidth=2";
    out += "];\n";
  };
  // An alias that no step writes comes from whoever wrote its root.
  const auto source = [&](uint32_t tensor) -> std::string {
    const ReportTensor& it = report.tensors[tensor];
    const ReportTensor& root = report.tensors[it.root];
    if (it.producer) return 's' + std::to_string(*it.producer);
    if (root.producer) return 's' + std::to_string(*root.producer);
    return root.is_input ? "in" + std::to_string(it.root) : "";
  };
  for (size_t s = 0; s < report.steps.size(); ++s) {
    for (const uint32_t i : report.steps[s].inputs) {
      if (const std::string from = source(i); !from.empty()) {
        edge(from, 's' + std::to_string(s), i);
      }
    }
  }
  for (uint32_t i = 0; i < report.tensors.size(); ++i) {
    if (!report.tensors[i].is_output) continue;
    if (const std::string from = source(i); !from.empty()) edge(from, "out" + std::to_string(i), i);
  }
  return out + "}\n";
}

}  // namespace memopt
