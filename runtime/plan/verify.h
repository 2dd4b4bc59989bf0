// The independent verifier: proves that executing a plan cannot touch memory outside its arena, its
// constants and the caller's buffers, and that every kernel reads what was written for it. It knows
// nothing of how the plan was made and shares no code with the planners. Near linear in the size of
// the plan.
#pragma once

#include <span>

#include "runtime/base/result.h"
#include "runtime/kernels/kernel.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"

namespace memopt {

// Ranges, aliases and signature are consistent; results have the types that their operators make of
// the operands; then the memory is simulated instruction by instruction:
//  - what an instruction reads was written completely, and every byte of it still is its own;
//  - an output overlaps an input of the same instruction only where the kernel may work in place
//    and both lie in exactly the same bytes; scratch overlaps neither;
//  - values are written once; parts of one value are disjoint, and cover it before it is read;
//  - inputs and constants are never written (an input in the arena may give way after its last
//    use);
//  - all outputs are complete and intact at the end.
// Conservative: the parts that fill a value must be separable along one dimension.
// Errors are kVerifyFailed and name instruction, value and bytes.
Status verify_memory(const Plan& plan, KernelLookup kernels = find_kernel);

// The instructions at `equal`, which have the same kernel, operator and operands (one is enough),
// name a kernel of their operator that supports the operands, and each has all the scratch and
// exactly the packed constants that the kernel needs. Expects verify_memory() to have passed.
Status verify_kernel(const Plan& plan, std::span<const size_t> equal,
                     KernelLookup kernels = find_kernel);

// Both, for every instruction.
Status verify_plan(const Plan& plan, KernelLookup kernels = find_kernel);

}  // namespace memopt
