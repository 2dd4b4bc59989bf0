// Control flow runs regions, which kernels cannot.
#include "runtime/kernels/reference/reference.h"

namespace memopt {

const KernelDef* If_reference() { return nullptr; }
const KernelDef* Loop_reference() { return nullptr; }
const KernelDef* Scan_reference() { return nullptr; }

}  // namespace memopt
