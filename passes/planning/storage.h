// Where the bytes of a value are during a run: the one place that says so.
#pragma once

#include "compiler/ir/graph.h"
#include "runtime/plan/plan.h"

namespace memopt {

// Of a value that owns its bytes. `io_in_arena`: BufferOptions'.
inline Storage storage_of(const Graph& graph, bool io_in_arena, ValueId root) {
  const Value& value = graph.value(root);
  if (value.kind == ValueKind::kConstant) return Storage::kConstant;
  if (graph.is_state(root)) return Storage::kState;
  const bool is_io = value.kind == ValueKind::kInput || graph.is_output(root);
  return is_io && !io_in_arena ? Storage::kCaller : Storage::kArena;
}

}  // namespace memopt
