// Is there an order of some steps that stays within a budget? Answered by trying all of them.
#pragma once

#include <cstdint>

#include "tools/certificate/problem.h"

namespace memopt::certificate {

struct SearchLimit {
  int64_t states = 0;
  int64_t work = 0;  // steps run
  // Steps looked at, so that a wide problem takes no more time than a narrow one: 10 s or so.
  int64_t effort = int64_t{1} << 30;
  // Steps that states on the way wait to try: 64 MiB.
  int64_t choices = int64_t{1} << 24;
};

enum class SearchEnd : uint8_t {
  kExhausted,    // no state left, and never were all steps done: every order exceeds the budget
  kOrderFound,   // some order stays within the budget
  kLimitPassed,  // not decided
};

struct SearchOutcome {
  SearchEnd end = SearchEnd::kLimitPassed;
  int64_t states = 0;  // reached
  int64_t work = 0;
};

// A state is a set of steps that have run, closed under what they wait for. The occupied bytes f(S)
// depend on the set alone, not on the order. The search visits all states that can be reached
// within the budget, except for those that a *free run* passes:
//
//   From S, steps a1 ... ak may run at once, without a look at the alternatives, if each fits the
//   budget, each but the first waits for the one before it, f(S + a1 ... ak) <= f(S), and no
//   f(S + a1 ... ai) on the way is smaller than that.
//
// Why no order within the budget is lost: let one continue from S with b1, b2, ... Move A = {a1 ...
// ak} to its front. A storage counts where some step has touched it and not all have, so f is
// submodular: f(T+A) + f(S+A') <= f(S+A) + f(T) for T = S + b1 ... bj, where A' is what A and
// b1 ... bj share. A is a chain, so A' is a1 ... ai for some i, hence f(S+A) <= f(S+A') and f(T+A)
// <= f(T). While a step b not in A runs, every storage that it touches is occupied before and after
// the move; of the others no more bytes are, by the same inequality, and fewer by each storage that
// A has begun already and b would have begun. That pays for the only thing that b can lose, the
// overwriting of an operand by a result that A has begun; operands cease to be needed no later than
// before. So each b fits as it did. (The savings are the best matching of results and operands: one
// result less costs no more than its own bytes.)
//
// Counting is deterministic: `states` is the same wherever the search runs to its end.
SearchOutcome search_orders(const Problem& problem, int64_t budget_bytes, const SearchLimit& limit);

// What the table of states may take of the machine's memory, in states of this problem.
int64_t most_states(const Problem& problem);

}  // namespace memopt::certificate
