// Operators that move elements: moves.h with the fast copy.
#include "runtime/kernels/cpu/copy.h"
#include "runtime/kernels/cpu/kernels.h"
#include "runtime/kernels/moves.h"
#include "runtime/kernels/reference/reference.h"

namespace memopt::cpu {
namespace {

using Fast = Moves<copy_box_fast>;

template <typename S, ReferenceFn<S> kRun>
constexpr KernelDef move_def(std::string_view name,
                             bool (*in_place)(const KernelRequest&, int, int) = nullptr) {
  KernelDef def = reference_def<S, kRun>(in_place);
  def.name = name;
  return def;
}

}  // namespace

const KernelDef* concat() {
  static constexpr KernelDef kDef = move_def<Concat, Fast::concat>("concat.copy");
  return &kDef;
}

const KernelDef* split() {
  static constexpr KernelDef kDef = move_def<Split, Fast::split>("split.copy");
  return &kDef;
}

const KernelDef* slice() {
  static constexpr KernelDef kDef = move_def<Slice, Fast::slice>("slice.copy");
  return &kDef;
}

const KernelDef* transpose() {
  static constexpr KernelDef kDef = move_def<Transpose, Fast::transpose>("transpose.blocked");
  return &kDef;
}

const KernelDef* tile() {
  static constexpr KernelDef kDef = move_def<Tile, Fast::tile>("tile.copy");
  return &kDef;
}

const KernelDef* depth_to_space() {
  static constexpr KernelDef kDef =
      move_def<DepthToSpace, Fast::depth_to_space>("depth_to_space.copy");
  return &kDef;
}

const KernelDef* space_to_depth() {
  static constexpr KernelDef kDef =
      move_def<SpaceToDepth, Fast::space_to_depth>("space_to_depth.copy");
  return &kDef;
}

const KernelDef* pad() {
  static constexpr KernelDef kDef = move_def<Pad, Fast::pad>("pad.copy");
  return &kDef;
}

const KernelDef* expand() {
  static constexpr KernelDef kDef =
      move_def<Expand, Fast::broadcast<Expand>>("expand.copy", same_elements);
  return &kDef;
}

const KernelDef* copy() {
  static constexpr KernelDef kDef =
      move_def<Copy, Fast::broadcast<Copy>>("copy.blocked", same_elements);
  return &kDef;
}

const KernelDef* reorder() {
  static constexpr KernelDef kDef =
      move_def<Reorder, Fast::broadcast<Reorder>>("reorder.blocked", same_elements);
  return &kDef;
}

}  // namespace memopt::cpu
