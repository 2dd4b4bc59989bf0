// The types of these operators' results are those of their regions' outputs, so there is nothing to
// infer from inputs alone.
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

constexpr OpDef control_flow(int min_inputs) {
  OpDef def;
  def.min_inputs = min_inputs;
  def.max_inputs = kUnlimited;
  def.layout = LayoutRule::kRowMajor;
  return def;
}

}  // namespace

const OpDef& If_def() {
  static constexpr OpDef kDef = control_flow(1);
  return kDef;
}

const OpDef& Loop_def() {  // trip count and condition are both optional
  static constexpr OpDef kDef = control_flow(0);
  return kDef;
}

const OpDef& Scan_def() {
  static constexpr OpDef kDef = control_flow(1);
  return kDef;
}

}  // namespace memopt
