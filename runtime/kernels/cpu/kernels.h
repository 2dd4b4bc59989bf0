// Own kernels for the CPU, best first within an operator. All serve f32 only.
#pragma once

#include "runtime/kernels/kernel.h"

namespace memopt::cpu {

const KernelDef* softmax();        // "softmax.simd"
const KernelDef* reduce();         // "reduce.simd"
const KernelDef* batch_norm();     // "batch_norm.simd"
const KernelDef* instance_norm();  // "instance_norm.simd"
const KernelDef* layer_norm();     // "layer_norm.simd"
const KernelDef* lrn();            // "lrn.simd"
const KernelDef* pool();           // "pool.simd"

}  // namespace memopt::cpu
