// The text form of graphs: what prints parses back to an equal graph.
//
//   graph "name" {
//     %x = input : f32[1x3x8x8]
//     %w = constant : f32[4x3x1x1] splat 0.5
//     %y = conv(%x, %w, _) {strides=[1,1] pads=[0,0,0,0]} "Conv_0" : f32[1x4x8x8]
//     return %y
//   }
//
// `return %y as "x"` gives an output a name in the signature that is not the value's. A state is
// `%h = state : f32[1x4]`, with the elements that it begins with behind it where they are not
// zeros, and `return %y, %h_next into %h` says what it is in the next run.
// `_` stands for a missing operand or an output that is not computed. Attributes that have their
// default are left out. Constants are `[1, 2]` (few numbers), `splat 0` (all equal), `hex "..."`
// (bytes in storage order) or, where the printer was told to, `elided`, which parses as zeros. `//`
// starts a comment.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "compiler/ir/graph.h"
#include "runtime/base/account.h"
#include "runtime/base/result.h"

namespace memopt {

struct PrintOptions {
  // Constants of more bytes are printed as `elided`; the text then does not parse back to the same
  // graph.
  bool elide_large_constants = false;
};

std::string print_graph(const Graph& graph, const PrintOptions& options = {});
// Errors name the line. The result is well-formed as text; verify_graph() checks its meaning. What
// the text makes of a few characters (elided and splat constants) is counted on `account`.
Result<Graph> parse_graph(std::string_view text,
                          std::shared_ptr<Account> account = std::make_shared<Account>());

}  // namespace memopt
