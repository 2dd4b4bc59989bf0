// Quantization.
#include "compiler/onnx/mapping.h"
#include "compiler/onnx/types.h"

namespace memopt {
namespace {

// The axis of the scale in operand 1; 0 where one scale serves the whole tensor.
Result<int64_t> scale_axis(NodeContext& node, int64_t block_size) {
  const Dims& scale = node.dims(1);
  if (block_size == 0 && scale.rank() <= 1 && scale.count() == 1) return int64_t{0};
  return node.axis_of(node.attr_int("axis", 1), node.rank(0));
}

Result<DType> output_type(NodeContext& node, DType missing) {
  const int64_t number = node.attr_int("output_dtype", 0);
  if (number == 0) return missing;
  const std::optional<DType> dtype = dtype_from_onnx(number);
  if (!dtype) return node.error("output_dtype " + onnx_dtype_name(number) + " is not supported");
  return *dtype;
}

Status map_quantize(NodeContext& node) {
  QuantizeLinear op;
  MEMOPT_ASSIGN_OR_RETURN(op.to, output_type(node, node.has(2) ? node.type(2).dtype : DType::kU8));
  op.block_size = node.attr_int("block_size", 0);
  MEMOPT_ASSIGN_OR_RETURN(op.axis, scale_axis(node, op.block_size));
  op.saturate = node.attr_bool("saturate", true);
  return node.result(op, {node.in(0), node.in(1), node.in(2)});
}

Status map_dequantize(NodeContext& node) {
  DequantizeLinear op;
  MEMOPT_ASSIGN_OR_RETURN(op.to, output_type(node, node.type(1).dtype));
  op.block_size = node.attr_int("block_size", 0);
  MEMOPT_ASSIGN_OR_RETURN(op.axis, scale_axis(node, op.block_size));
  return node.result(op, {node.in(0), node.in(1), node.in(2)});
}

Status map_dynamic_quantize(NodeContext& node) {
  return node.emit_outputs(DynamicQuantizeLinear{}, node.all_inputs());
}

constexpr NodeMapping kMappings[] = {
    {"DequantizeLinear", 2, 3, map_dequantize},
    {"DynamicQuantizeLinear", 1, 1, map_dynamic_quantize},
    {"QuantizeLinear", 2, 3, map_quantize},
};

}  // namespace

std::span<const NodeMapping> quantization_mappings() { return kMappings; }

}  // namespace memopt
