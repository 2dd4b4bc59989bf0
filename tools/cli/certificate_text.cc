#include "tools/cli/certificate_text.h"

#include <algorithm>
#include <cstdio>

#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"

namespace memopt {
namespace {

using namespace certificate;

std::string quoted(const StepName& step) {
  return "step " + std::to_string(step.step) + " ('" + printable(step.name, 80) + "')";
}

struct Reason {
  std::string operator()(const EdgeWitness& witness) const {
    return witness.at_end ? "the outputs alone need that much" : "the inputs alone need that much";
  }
  std::string operator()(const OrderWitness& witness) const {
    return "while " + quoted(witness.step) + " runs, " + std::to_string(witness.values.size()) +
           " values and its scratch need that much";
  }
  std::string operator()(const WorkingSetWitness& witness) const {
    return "whenever " + quoted(witness.step) + " runs, " + std::to_string(witness.values.size()) +
           " values and its scratch need that much";
  }
  std::string operator()(const FlowWitness& witness) const {
    return "whenever " + quoted(witness.step) +
           " runs, what it touches and a flow over other values need that much";
  }
  std::string operator()(const ExhaustionWitness& witness) const {
    std::string where = "all " + std::to_string(witness.steps) + " steps";
    if (witness.after || witness.through) {
      where = "the " + std::to_string(witness.steps) + " steps";
      if (witness.after) where += " behind " + quoted(*witness.after);
      if (witness.through) where += " up to " + quoted(*witness.through);
    }
    return "a search over the orders of " + where + " ends after " +
           std::to_string(witness.states) + " states without any that does";
  }
};

}  // namespace

std::string sentence(const Statement& statement, const Plan& plan) {
  const std::string steps = "the " + std::to_string(plan.instructions.size()) + " steps";
  return (statement.orders == BoundKind::kAllOrders
              ? "no order of " + steps + " and no placement needs less than "
              : "in this order of " + steps + " no placement needs less than ") +
         both_sizes_text(statement.bytes) + " of arena: " + std::visit(Reason{}, statement.witness);
}

std::string certificate_text(const Certificate& certificate, const Plan& plan) {
  std::string text;
  int64_t best = 0;
  for (const Statement& statement : certificate.statements) {
    std::string line = sentence(statement, plan);
    line[0] = static_cast<char>(line[0] - 'a' + 'A');
    text += line + ".\n";
    best = std::max(best, statement.bytes);
  }
  if (certificate.statements.back().orders == BoundKind::kFixedOrder) {
    text += "Whether another order needs less than this one is not proved.\n";
  }
  const int64_t gap = plan.arena_bytes - best;
  text += "The arena is " + both_sizes_text(plan.arena_bytes);
  if (gap == 0) return text + ": the bound is reached, the gap is 0.\n";
  char percent[32];
  std::snprintf(percent, sizeof(percent), "%.2f %%",
                100.0 * static_cast<double>(gap) / static_cast<double>(plan.arena_bytes));
  return text + ": a gap of " + both_sizes_text(gap) + ", " + percent + " of it.\n";
}

}  // namespace memopt
