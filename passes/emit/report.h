// Where every byte of a plan is and why: the facts behind `memopt-inspect`, report.txt, report.json
// and report.html. All of it is computed from the plan that the runtime loads, never from what the
// compiler meant to do. Units: bytes and steps; step i is the i-th instruction; intervals
// half-open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/type.h"
#include "runtime/plan/plan.h"

namespace memopt {

// One value of the plan, under the same index. A root owns bytes; an alias is a part of another
// value.
struct ReportTensor {
  std::string name;
  TensorType type;
  Storage storage = Storage::kArena;
  bool is_input = false, is_output = false;
  int64_t bytes = 0;
  int64_t offset = 0;                // in its storage
  int64_t begin = 0, end = 0;        // steps that need its bytes; a root's include its aliases'
  std::optional<uint32_t> producer;  // the step that writes it
  uint32_t root = 0;                 // its own index: a root
  bool whole_alias = false;          // an alias of all of its parent (reshape), not of a part
};

struct ReportStep {
  std::string name;    // of the original ONNX node or nodes; the operator where there is none
  std::string op;      // "Conv"
  std::string kernel;  // "conv.onednn"
  int64_t scratch_bytes = 0, scratch_offset = 0;
  int64_t live_bytes = 0;         // distinct arena bytes in use while it runs, scratch included
  int64_t working_set_bytes = 0;  // arena bytes of its own operands and scratch
  std::vector<uint32_t> inputs, outputs;  // tensors; a missing operand is left out
};

// The classes of bytes. The four parts of the arena add up to arena_bytes.
struct ReportBytes {
  int64_t constants = 0;
  int64_t arena = 0;
  int64_t arena_activations = 0;    // live tensors at the peak step
  int64_t arena_scratch = 0;        // kernel scratch at the peak step
  int64_t arena_padding = 0;        // alignment between what is live at the peak step
  int64_t arena_fragmentation = 0;  // the rest: free bytes that the placement could not use
  int64_t max_scratch = 0;          // largest scratch of any step (it is shared by all of them)
  int64_t io = 0;                   // inputs and outputs, wherever they are
  int64_t io_in_arena = 0;          // those of them that the arena already counts
  std::optional<int64_t>
      arena_other_io;  // the arena if inputs and outputs were placed the other way
  int64_t state = 0;
  std::optional<int64_t> runtime;  // structures made at load, where a session has shown them
  bool runtime_is_estimate = false;
  // What one session needs: constants + arena + io outside of the arena + state + runtime if known.
  int64_t total() const {
    return constants + arena + (io - io_in_arena) + state + runtime.value_or(0);
  }
};

// What a suggestion would cost its user.
enum class SuggestionCost : uint8_t { kNothing, kTime, kAccuracy };
std::string_view cost_name(SuggestionCost cost);  // "nothing", "time", "accuracy"

// Something that could make the plan smaller.
struct Suggestion {
  std::string action;
  std::string reason;
  // Of the arena or, if `constants`, of the constants. Without `estimate` the live bytes recomputed
  // for this order of the steps: no placement saves more; with it, a rule of thumb.
  int64_t saves_bytes = 0;
  bool constants = false;
  bool estimate = false;
  SuggestionCost cost = SuggestionCost::kNothing;
};

struct Report {
  std::string model;
  std::string graph;    // the name that the model gives itself
  std::string network;  // network_digest(); empty: the plan does not say
  std::string target;
  std::vector<std::string> shapes;  // that the model leaves open: "batch=1", "x=1x3x224x224"
  int64_t naive_bytes = 0;          // every tensor and every scratch block its own
  int64_t lower_bound_bytes = 0;    // proved: no arena is smaller, in the sense of bound_kind
  BoundKind bound_kind = BoundKind::kFixedOrder;
  std::string bound_method;
  bool bound_is_claimed = false;  // bound and naive bytes are what a plan file says of itself
  std::string producer;
  ReportBytes bytes;
  int64_t peak_step = 0;
  int64_t peak_live_bytes = 0;
  std::vector<uint32_t> peak_tensors;  // those in the arena at the peak step, largest first
  std::vector<ReportStep> steps;
  std::vector<ReportTensor> tensors;
  std::vector<PlanState> states;        // of the tensors of these numbers
  std::vector<Suggestion> suggestions;  // cheapest first, then most bytes first

  int64_t gap_bytes() const { return bytes.arena - lower_bound_bytes; }
  bool proved_optimal() const { return gap_bytes() == 0; }
};

struct ReportOptions {
  std::string model;                     // the name to print; empty: the plan's own
  std::optional<int64_t> runtime_bytes;  // of a session
  bool runtime_is_estimate = false;
  // The arena with inputs and outputs placed the other way (arena_bytes_with_io in compile.h).
  std::optional<int64_t> arena_other_io_bytes;
  bool from_file = false;  // what the plan says of its bound is a claim of who made the file
};

// The plan must be one that passed the loader's checks.
Report build_report(const Plan& plan, const ReportOptions& options = {});

// Distinct arena bytes in use at each step, without the roots for which `skip` is set (one entry
// per tensor) and, if `skip_scratch`, without kernel scratch: what is left if something moved
// elsewhere. With `padded`, blocks reach to the arena's next unit of alignment, as the placement
// counts them.
std::vector<int64_t> live_bytes(const Report& report, const std::vector<bool>& skip,
                                bool skip_scratch = false, bool padded = false);

// Fills report.suggestions from everything else in it (report_suggest.cc).
void add_suggestions(Report& report);

}  // namespace memopt
