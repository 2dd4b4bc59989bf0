#include "compiler/onnx/mapping.h"

#include <map>
#include <utility>

namespace memopt {

const NodeMapping* find_mapping(std::string_view domain, std::string_view op_type) {
  using Key = std::pair<std::string_view, std::string_view>;
  static const std::map<Key, const NodeMapping*> kTable = [] {
    std::map<Key, const NodeMapping*> table;
    for (const auto family :
         {elementwise_mappings(), contraction_mappings(), pooling_mappings(),
          normalization_mappings(), reduction_mappings(), movement_mappings(), reshape_mappings(),
          resize_mappings(), scatter_mappings(), constant_mappings(), quantization_mappings(),
          control_flow_mappings()}) {
      for (const NodeMapping& mapping : family) table[{mapping.domain, mapping.op_type}] = &mapping;
    }
    return table;
  }();
  const auto found = kTable.find({domain, op_type});
  return found == kTable.end() ? nullptr : found->second;
}

}  // namespace memopt
