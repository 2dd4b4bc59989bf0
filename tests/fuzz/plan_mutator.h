// Changes plans with knowledge of what they are, so that many of the results are accepted.
#pragma once

#include "runtime/plan/plan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/samples.h"

namespace memopt::fuzz {

// One instruction that does what the sample says, its first operand an input, the others inputs or
// constants, by any kernel that serves it.
Plan plan_of(const testing::Sample& sample, Random& random);

// One to a few changes: of any field of any value or instruction, of operators, attributes and
// kernels, of the lists themselves. Mostly followed by make_consistent().
void mutate(Plan& plan, Random& random);

// Puts the instructions of `other` behind those of `plan`; some of its operands become values of
// `plan`.
void append(Plan& plan, const Plan& other, Random& random);

}  // namespace memopt::fuzz
