// Operator ordering: the topological order of a DAG that minimises the true peak of live bytes.
//
// The model. A *storage* is a block of bytes. It is live from the start (`live_at_start`) or from
// the first operator that touches it, to the end (`live_at_end`) or through the last operator that
// touches it. One that is there at the start only and that nothing touches dies when the first
// operator begins: the caller fills all of them together, and nobody needs its bytes afterwards.
// A *value* is something an operator produces and others consume; it sits in one
// storage, and several values may share one (views, the slices of a concatenation written in
// place). While an operator runs, everything live before it, everything it allocates and its
// scratch are live together, with one exception: an *in-place* candidate lets an output's new
// storage take the bytes of an input's storage that dies at this operator, so that the pair
// occupies only the larger of the two while it runs. An operator takes its candidates greedily:
// largest saving first, then in list order, each storage at most once.
//
//   peak = max(live bytes before the first operator, max over operators of live bytes while it
//   runs)
//
// No graph, no names, no alignment: the caller rounds sizes up before it asks.
#pragma once

#include <cstdint>
#include <vector>

#include "passes/planning/stop.h"
#include "runtime/base/result.h"

namespace memopt {

inline constexpr int32_t kNoOp = -1;  // the producer of a graph input

struct OrderStorage {
  int64_t bytes = 0;
  bool live_at_start = false;  // e.g. a graph input that is planned in the arena
  bool live_at_end = false;    // e.g. a graph output that is planned in the arena
};

struct OrderValue {
  int32_t storage = 0;
  int32_t producer = kNoOp;
  std::vector<int32_t> consumers;  // duplicates are allowed
};

// `op` may overwrite the storage of value `input` with value `output`.
struct InPlaceCandidate {
  int32_t op = 0;
  int32_t output = 0;
  int32_t input = 0;
};

// An order between two operators that no value expresses, e.g. a write after a read of state.
struct OrderDependence {
  int32_t before = 0;
  int32_t after = 0;
};

// Operators are 0 … n-1, numbered in the given order, which must be a topological one.
struct OrderProblem {
  std::vector<int64_t> scratch_bytes;  // one per operator
  std::vector<OrderStorage> storages;
  std::vector<OrderValue> values;
  std::vector<InPlaceCandidate> in_place;
  std::vector<OrderDependence> dependences;
};

// Limits count work, not time, so that the result depends on nothing else. A unit is about one
// operator run or taken back by a search, some ten to a hundred nanoseconds.
struct OrderOptions {
  int64_t bound_work = 50'000'000;  // min-cut bound
  int64_t exact_work = 10'000'000;  // exact search, over the whole problem
  // Beams and the re-optimisation of windows, where the exact search does not finish.
  int64_t window_work = 10'000'000;
  int64_t window_work_per_op = 2000;
  int32_t beam_width = 64;  // sets kept of each size
  StopToken stop = {};      // once stopped, the best order so far is the result
};

enum class OrderProof {
  kOptimal,    // no topological order has a smaller peak
  kBestFound,  // better than the given order; the optimum is in [lower_bound_bytes, peak_bytes]
  kGiven,      // nothing better than the given order was found, and it was not proved optimal
};

struct OrderResult {
  std::vector<int32_t> order;     // a permutation of 0 … n-1
  int64_t peak_bytes = 0;         // of `order`; at most given_peak_bytes
  int64_t given_peak_bytes = 0;   // of 0, 1, … n-1
  int64_t lower_bound_bytes = 0;  // no order has a smaller peak
  OrderProof proof = OrderProof::kGiven;
  int64_t work = 0;        // of all searches
  bool cancelled = false;  // stopped by the token before there was a proof
};

// Error (kBadInput): ids out of range, negative bytes, sums beyond 64 bits, an operator numbered
// before one it depends on, a candidate that is not an input and output of its operator.
Result<OrderResult> order_ops(const OrderProblem& problem, const OrderOptions& options = {});

// What one order costs, computed by the definition above and nothing else: the oracle for all
// searches, and where a report gets the bytes of each step.
struct OrderSimulation {
  int64_t peak_bytes = 0;
  std::vector<int64_t> running_bytes;      // live bytes while the i-th operator of the order runs
  std::vector<int64_t> after_bytes;        // live bytes when it has ended
  std::vector<InPlaceCandidate> in_place;  // the candidates used, in the order of execution
};

// Error (kBadInput): as order_ops, or an order that is not topological.
Result<OrderSimulation> simulate_order(const OrderProblem& problem,
                                       const std::vector<int32_t>& order);

}  // namespace memopt
