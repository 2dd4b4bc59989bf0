// Makes plans that a mutator damaged consistent again.
#pragma once

#include "runtime/plan/plan.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {

// Changes what contradicts itself, mostly: every value is written once, before it is read, or is an
// input or a constant; results have the types that operators infer; instructions have kernels that
// serve them with the scratch and the packed operands that these want; storages have their bytes
// and (mostly) places of their own. What cannot be made consistent stays as it is: the loader has
// to find it.
void make_consistent(Plan& plan, Random& random);

}  // namespace memopt::fuzz
