// The checker of certificates: confirms every statement against the memory problem that it derives
// from the plan itself (problem.h). It believes nothing: each witness is recomputed or proved.
//
// Why each kind proves its statement (f is what is occupied):
//
// inputs, outputs: by the rules, all inputs are there before the first step, all outputs after the
//   last. Every order.
//
// this_order: in the order of the plan the lifetimes are fixed. What the step touches, what is
//   occupied before it, and its scratch have bytes of their own, less the largest saving by
//   overwriting. Any placement needs their sum.
//
// working_set: if an ancestor of the step (one that it waits for, directly or not) touches a
//   storage, or it is an input, it is occupied from before the step in every order; if a descendant
//   touches it, or it is an output, it stays so. These and what the step touches are there
//   together. Only those results can overwrite whose storage no ancestor has begun, and only
//   operands that no descendant needs; the most that such pairs can save is taken off.
//
// flow: let T be the steps that have run when step v starts: all ancestors, no descendant, anything
//   between; x(u) is 1 for u in T and 0 for others, 1 for the start and 0 for the end. A storage
//   that v does not touch is occupied if some arc (u, w) of its steps has x(u) = 1 and x(w) = 0, so
//   bytes >= sum over its arcs of flow * (x(u) - x(w)) as long as the flow over its arcs is no more
//   than its bytes. An arc from u to a step p that u waits for has x(u) <= x(p) and adds nothing to
//   the sum. Where flow is conserved at all steps that are neither ancestors nor v nor descendants,
//   the sum over all arcs telescopes to the flow that leaves ancestors and the start: so at least
//   that much is occupied besides what v touches, whatever T is. Overwriting: with "any", the most
//   that can be saved at v is taken off; else all pairs have one result, and either nothing is
//   overwritten, or one operand is, in which case all others that touch the operand are in T: a
//   case each, and the least counts.
//
// exhaustion: `after` is a cut if every other step is an ancestor or a descendant of it. Every
//   order passes through the state where exactly the cut and its ancestors have run; the same for
//   `through`. So every order contains an order of the steps between, and if none of these stays
//   within `bytes` - 1, all orders need `bytes`. Why the search misses none: exhaustion.h.
//
// No placement: in every case `bytes` adds up storages (and scratch) that are occupied together and
// share no byte, so an arena that holds them is at least as large.
#pragma once

#include <string>

#include "tools/certificate/certificate.h"
#include "tools/certificate/problem.h"

namespace memopt::certificate {

// Confirms all statements about `plan`, whose file has this digest; and that the bound that the
// plan itself claims is among what is confirmed. Expects verify_memory() to have passed. Errors
// (kVerifyFailed) name the number and what was found instead.
Status check_certificate(const Certificate& certificate, const Plan& plan,
                         const std::string& digest, KernelLookup kernels = find_kernel);

// One statement about a problem derived from `plan`.
Status check_statement(const Statement& statement, const Plan& plan, const Problem& problem);

// Parts of witnesses, for the checker and for whoever makes certificates.
Status check_flow(const FlowWitness& witness, int64_t bytes, const Plan& plan,
                  const Problem& problem);
Result<int32_t> find_step(const StepName& step, const Plan& plan);
Status check_values(const std::vector<NamedBytes>& stated, const std::vector<int32_t>& storages,
                    const Plan& plan, const Problem& problem);

// Every step but `step` is an ancestor or a descendant of it.
bool is_cut(const Problem& problem, int32_t step);

// What is occupied while a step runs.
struct StepDemand {
  std::vector<int32_t> storages;    // ascending
  int64_t bytes = 0;                // of these and of scratch
  std::vector<Overwrite> possible;  // demand_of(): pairs that can overwrite in some order
  int64_t saved_bytes = 0;          // the most that overwriting saves
};
// In every order, and in the order of the plan.
StepDemand demand_of(const Problem& problem, int32_t step);
StepDemand demand_in_order(const Problem& problem, int32_t step);

// Storages of the problem as witnesses name them.
std::vector<NamedBytes> name_storages(const std::vector<int32_t>& storages, const Plan& plan,
                                      const Problem& problem);
StepName name_step(int32_t step, const Plan& plan);

}  // namespace memopt::certificate
