// Makes the kernels that the instructions of a plan name.
#pragma once

#include <memory>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/kernels/kernel.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/request.h"

namespace memopt {

// One kernel per instruction, checked against it (verify_kernel) and made on up to `threads`
// threads. Instructions with equal operators and operands share one: what a plan of many bands
// costs grows with the number of their shapes.
Result<std::vector<std::shared_ptr<Kernel>>> make_kernels(const Plan& plan, KernelLookup kernels,
                                                          int threads);

}  // namespace memopt
