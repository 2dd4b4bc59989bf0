// The table of ONNX operators: how each becomes operators of the graph.
#pragma once

#include <span>
#include <string_view>

#include "compiler/onnx/node_context.h"
#include "runtime/base/result.h"

namespace memopt {

struct NodeMapping {
  std::string_view op_type;
  int min_inputs = 1;  // these are required to be there
  int max_inputs = 1;
  // Binds every output of the node that it serves.
  Status (*map)(NodeContext&) = nullptr;
  std::string_view domain = "";  // "" is ai.onnx
};

inline constexpr std::string_view kMicrosoftDomain = "com.microsoft";

// Null where the operator is not known. `domain` is "" for ai.onnx.
const NodeMapping* find_mapping(std::string_view domain, std::string_view op_type);

// One table per family.
std::span<const NodeMapping> elementwise_mappings();
std::span<const NodeMapping> contraction_mappings();
std::span<const NodeMapping> pooling_mappings();
std::span<const NodeMapping> normalization_mappings();
std::span<const NodeMapping> reduction_mappings();
std::span<const NodeMapping> movement_mappings();
std::span<const NodeMapping> reshape_mappings();
std::span<const NodeMapping> resize_mappings();
std::span<const NodeMapping> scatter_mappings();
std::span<const NodeMapping> constant_mappings();
std::span<const NodeMapping> quantization_mappings();
std::span<const NodeMapping> control_flow_mappings();

}  // namespace memopt
