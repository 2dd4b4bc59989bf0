// The kernels that oneDNN serves; each is one file of this folder.
#pragma once

#include "runtime/kernels/kernel.h"

namespace memopt::onednn {

const KernelDef* conv();

}  // namespace memopt::onednn
