#include "compiler/onnx/support.h"

#include <map>
#include <set>

#include "compiler/onnx/mapping.h"
#include "compiler/onnx/types.h"

namespace memopt {
namespace {

constexpr size_t kNamesListed = 3;

struct Finding {
  int64_t count = 0;
  std::vector<std::string> names;  // the first ones
  bool certain = false;            // not only in a branch of If
};

class SupportCheck {
 public:
  explicit SupportCheck(const FunctionTable& functions) : functions_(functions) {}

  void visit_graph(const onnx::GraphProto& graph, const OpsetVersions& opsets, bool certain) {
    for (const auto& tensor : graph.initializer()) visit_tensor(tensor, tensor.name(), certain);
    for (const auto& input : graph.input()) {
      const std::string kind = non_tensor_kind(input.type());
      // Inputs of subgraphs need no type.
      if (kind == "untyped") continue;
      const int64_t element = input.type().tensor_type().elem_type();
      if (!kind.empty()) {
        add("inputs of type " + kind, input.name(), certain);
      } else if (!dtype_from_onnx(element)) {
        add("inputs of element type " + onnx_dtype_name(element), input.name(), certain);
      }
    }
    visit_nodes(graph.node(), opsets, certain);
  }

  // Of the functions that are called from what was visited.
  void visit_functions() {
    while (!pending_.empty()) {
      const auto [function, certain] = pending_.back();
      pending_.pop_back();
      visit_nodes(function->proto->node(), function->opsets, certain);
    }
  }

  Status status() const {
    bool fails = false;
    std::string text;
    for (const auto& [what, finding] : findings_) {
      fails |= finding.certain;
      text += (text.empty() ? " " : "; ") + what + ": " + std::to_string(finding.count) + " (";
      for (size_t i = 0; i < finding.names.size(); ++i) {
        text += (i == 0 ? "'" : ", '") + finding.names[i] + "'";
      }
      text += finding.count > static_cast<int64_t>(finding.names.size()) ? ", ...)" : ")";
      if (!finding.certain) text += ", in branches only";
    }
    if (!fails) return {};
    return bad_input("the model uses what is not supported:" + text);
  }

 private:
  void visit_nodes(const NodeList& nodes, const OpsetVersions& opsets, bool certain) {
    for (int i = 0; i < nodes.size(); ++i) {
      const onnx::NodeProto& node = nodes[i];
      const std::string label = node_label(node, i);
      if (const LocalFunction* function = functions_.find(node)) {
        // Once is enough, and later: calls may nest as deep as a file has functions.
        if (visited_.insert({function, certain}).second) pending_.emplace_back(function, certain);
        continue;
      }
      visit_operator(node, label, opsets, certain);
      const bool branches = node.op_type() == "If";
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_t()) visit_tensor(attribute.t(), label, certain);
        if (attribute.has_g()) visit_graph(attribute.g(), opsets, certain && !branches);
      }
    }
  }

  void visit_operator(const onnx::NodeProto& node, const std::string& label,
                      const OpsetVersions& opsets, bool certain) {
    const std::string domain = canonical_domain(node.domain());
    if (find_mapping(domain, node.op_type()) != nullptr) return;
    const auto opset = opsets.find(domain);
    add((domain.empty() ? "ai.onnx" : domain) + "::" + node.op_type() +
            (opset == opsets.end() ? "" : "-" + std::to_string(opset->second)),
        label, certain);
  }

  void visit_tensor(const onnx::TensorProto& tensor, const std::string& name, bool certain) {
    if (dtype_from_onnx(tensor.data_type())) return;
    add("constants of element type " + onnx_dtype_name(tensor.data_type()), name, certain);
  }

  void add(const std::string& what, const std::string& name, bool certain) {
    Finding& finding = findings_[what];
    ++finding.count;
    finding.certain |= certain;
    if (finding.names.size() < kNamesListed) finding.names.push_back(name);
  }

  const FunctionTable& functions_;
  std::map<std::string, Finding> findings_;
  std::set<std::pair<const LocalFunction*, bool>> visited_;
  std::vector<std::pair<const LocalFunction*, bool>> pending_;
};

}  // namespace

Status check_supported(const onnx::GraphProto& graph, const OpsetVersions& opsets,
                       const FunctionTable& functions) {
  SupportCheck check(functions);
  check.visit_graph(graph, opsets, true);
  check.visit_functions();
  return check.status();
}

}  // namespace memopt
