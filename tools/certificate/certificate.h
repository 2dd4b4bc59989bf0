// A certificate: what is claimed about the arena bytes of one plan, with a witness for each claim
// that a small checker (check.h) can confirm without trust in whoever made it. The problem that the
// claims speak about is in problem.h, the JSON form in docs/certificates.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace memopt::certificate {

struct NamedBytes {
  std::string name;  // of a value that owns its bytes
  int64_t bytes = 0;
  bool operator==(const NamedBytes&) const = default;
};

// An instruction of the plan: its number, and its name as a cross-check and for the reader.
struct StepName {
  int64_t step = 0;
  std::string name;
  bool operator==(const StepName&) const = default;
};

// All inputs before the first step, or all outputs after the last one. All orders.
struct EdgeWitness {
  bool at_end = false;
  std::vector<NamedBytes> values;
};

// What is occupied while one step runs in the order of the plan. This order only.
struct OrderWitness {
  StepName step;
  std::vector<NamedBytes> values;
  int64_t scratch_bytes = 0;
  int64_t saved_bytes = 0;  // by results that may take over operands
};

// What is occupied while one step runs in every order: what it touches, and what some step that it
// waits for has begun and some step that waits for it still needs.
struct WorkingSetWitness {
  StepName step;
  std::vector<NamedBytes> values;
  int64_t scratch_bytes = 0;
  int64_t saved_bytes = 0;  // at most, in any order
};

// If `from` has run and `to` has not, `value` is occupied; or, without a value: `from` waits for
// `to`. From nowhere: the start; to nowhere: the end.
struct FlowArc {
  std::string value;
  std::optional<StepName> from;
  std::optional<StepName> to;
  int64_t bytes = 0;
  bool operator==(const FlowArc&) const = default;
};

// The step overwrites nothing, or the named operand, or whatever saves most.
enum class Overwriting : uint8_t { kAny, kNothing, kOperand };

struct FlowCase {
  Overwriting overwriting = Overwriting::kAny;
  std::string operand;  // kOperand
  std::vector<FlowArc> arcs;
  int64_t bytes = 0;
};

// What is occupied while one step runs in every order, if not each byte is known by name: a flow
// from the steps that have run to those that have not. Its value is a lower bound on every cut.
struct FlowWitness {
  StepName step;
  std::vector<NamedBytes> values;  // that the step touches
  int64_t scratch_bytes = 0;
  std::vector<FlowCase> cases;
};

// No order of some steps stays below the bound: there are so few within the budget that a search
// ends. The steps are those behind `after` up to `through`; every order runs them together.
struct ExhaustionWitness {
  std::optional<StepName> after;    // nullopt: from the start
  std::optional<StepName> through;  // nullopt: to the end
  int64_t steps = 0;
  bool backward = false;  // the search runs from the end
  int64_t states = 0;     // reached by the search, exactly
  int64_t work = 0;       // steps run by the search, exactly
};

using Witness =
    std::variant<EdgeWitness, OrderWitness, WorkingSetWitness, FlowWitness, ExhaustionWitness>;

// "inputs", "outputs", "this_order", "working_set", "flow", "exhaustion".
std::string_view witness_name(const Witness& witness);

// Nothing that follows the rules of problem.h needs less than `bytes` bytes of arena.
struct Statement {
  BoundKind orders = BoundKind::kAllOrders;
  int64_t bytes = 0;
  Witness witness;
};

struct Certificate {
  std::string plan_digest;  // plan_digest() of the file
  int64_t steps = 0;
  int64_t arena_bytes = 0;
  std::vector<Statement> statements;
};

// A digest of the header of a plan file, which holds the digests of its sections, as 16 hexadecimal
// digits. It tells plans apart that are mixed up; what a certificate states is proved from the plan
// that it is checked against.
Result<std::string> plan_digest(const std::string& path);
// Of a file in memory; `name` is for messages.
Result<std::string> plan_digest(std::span<const std::byte> file, const std::string& name);

// JSON with schema 1. Reading is strict: unknown, missing or repeated members, other types, numbers
// beyond 64 bits and what json_shape.h limits are errors (kBadInput).
std::string to_json(const Certificate& certificate);
Result<Certificate> parse_certificate(std::string_view text);

}  // namespace memopt::certificate
