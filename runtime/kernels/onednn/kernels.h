// The kernels that oneDNN serves; each is one file of this folder.
#pragma once

#include "runtime/kernels/kernel.h"

namespace memopt::onednn {

const KernelDef* conv();
const KernelDef* conv_transpose();
const KernelDef* matmul();
const KernelDef* qlinear_conv();
const KernelDef* qlinear_matmul();
const KernelDef* conv_integer();
const KernelDef* matmul_integer();
const KernelDef* pool();
const KernelDef* lrn();
const KernelDef* reorder();

// Empties the cache of programs.
void forget_programs();

}  // namespace memopt::onednn
