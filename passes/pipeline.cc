#include "passes/pipeline.h"

#include "passes/transform/transforms.h"
#include "runtime/base/check.h"

namespace memopt {

std::span<const Pass> all_passes() {
  static constexpr Pass kPasses[] = {
      {"widen_half", "16-bit floats are computed in f32, where the fast kernels are", widen_half},
      {"canonicalize", "one form for each meaning: drops no-ops, merges reshapes and transposes",
       canonicalize},
      {"fold_constants", "evaluates nodes whose operands are constants", fold_constants},
      {"cse", "merges nodes that apply the same operator to the same values", cse},
      {"dce", "removes nodes whose results nobody reads", dce},
      {"fold_batch_norm",
       "batch normalization into the weights before it, or into multiply and add", fold_batch_norm},
      {"fold_affine",
       "multiplication and addition of per-channel constants into convolution weights",
       fold_affine},
      {"fuse_pad", "zero padding into the convolution behind it", fuse_pad},
      {"fuse_patterns", "x * sigmoid(x) and its relatives into one function", fuse_patterns},
      {"undo_concat", "splits of concatenations into what was joined read the parts", undo_concat},
      {"fuse_bias", "addition of a constant into convolution and matmul", fuse_bias},
      {"fuse_residual", "addition of another value into convolution and matmul", fuse_residual},
      {"fuse_activation", "element-wise functions into the contraction or addition before them",
       fuse_activation},
      {"flatten_concat", "concatenations of concatenations along one axis become one",
       flatten_concat},
      {"tile", "regions that the options name in bands of rows or images", tile},
      {"layout", "channels-last where kernels prefer it, with as few reorders as possible", layout},
  };
  return kPasses;
}

namespace {

std::vector<const Pass*> by_name(std::initializer_list<std::string_view> names) {
  std::vector<const Pass*> passes;
  for (const std::string_view name : names) {
    passes.push_back(find_pass(name));
    MEMOPT_CHECK(passes.back() != nullptr);
  }
  return passes;
}

}  // namespace

std::vector<const Pass*> optimization_pipeline() {
  return by_name({
      // Before anything else, so that every fold is exact in f32.
      "widen_half",
      // Clean first: what follows matches patterns, and patterns have one form each.
      "canonicalize",
      "fold_constants",
      "cse",
      "dce",
      // Weights absorb what is constant. Batch normalization before the affine fold, because it may
      // become an affine
      // pair; both before the bias fusion, which would hide the convolution's plain result from
      // them.
      "fold_batch_norm",
      "fold_affine",
      "fuse_pad",
      // The parts of x * sigmoid(x) must be seen before an activation disappears into its producer.
      "fuse_patterns",
      // What a pattern has replaced still reads the pattern's operand, which would keep it from
      // being fused.
      "dce",
      // Before the epilogues: a function of one part meets its producer.
      "undo_concat",
      "dce",
      "fuse_bias",
      // The activation comes behind the residual addition, so it is fused last.
      "fuse_residual",
      "fuse_activation",
      // The folds leave constants and dead nodes behind.
      "fold_constants",
      "canonicalize",
      "cse",
      "dce",
  });
}

std::vector<const Pass*> layout_pipeline() {
  // Bands of what is joined further can be written where all of it is joined. Reorders of constants
  // are folded. Nothing is merged here: what rematerialization computes twice must stay two.
  return by_name({"flatten_concat", "layout", "fold_constants", "dce"});
}

}  // namespace memopt
