// The kernels that oneDNN serves; each is one file of this folder.
#pragma once

#include "runtime/kernels/kernel.h"

namespace memopt::onednn {

const KernelDef* conv();
const KernelDef* conv_transpose();
const KernelDef* matmul();
const KernelDef* pool();
const KernelDef* lrn();
const KernelDef* reorder();

}  // namespace memopt::onednn
