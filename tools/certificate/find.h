// Makes certificates: looks for the strongest statements about a plan that the checker can confirm
// within limits. Nothing here is trusted; what it returns has passed check_statement().
#pragma once

#include <cstdint>
#include <functional>

#include "runtime/base/result.h"
#include "runtime/plan/request.h"
#include "tools/certificate/certificate.h"

namespace memopt::certificate {

// Limits count work, so that the result depends on nothing else; unless it is stopped.
struct FindLimits {
  int64_t working_set_work = 50'000'000;  // steps and storages looked at, all working sets together
  int64_t flow_work = 100'000'000;        // arcs looked at, all flows together
  int64_t search_work = 4'000'000;        // steps run by one search for the proof by exhaustion
  // Asked between parts of the work; once true, what is found so far is the result.
  std::function<bool()> stopped = [] { return false; };
};

// A statement over all orders; and where it stays below what the order of the plan needs, one about
// this order. The digest is left empty. Errors: those of derive_problem(); kInternal for a
// statement that the checker rejects.
Result<Certificate> find_certificate(const Plan& plan, const FindLimits& limits = {},
                                     KernelLookup kernels = find_kernel);

// Makes the plan claim what its certificate confirms, no more and no less: the strongest bound on
// its own order, over all orders where that is proved.
void adopt_claim(const Certificate& certificate, Plan& plan);

}  // namespace memopt::certificate
