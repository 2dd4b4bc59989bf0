// Own kernels for the CPU, best first within an operator. Those called "simd" and "rows" serve f32
// (a resize that only picks elements: any type), the copying ones every type.
#pragma once

#include "runtime/kernels/kernel.h"

namespace memopt::cpu {

const KernelDef* filter();                // "conv.filter"
const KernelDef* packed_conv();           // "conv.packed"
const KernelDef* packed_matmul();         // "matmul.packed"
const KernelDef* packed_matmul_in_run();  // "matmul.packed_in_run"
const KernelDef* softmax();               // "softmax.simd"
const KernelDef* reduce();                // "reduce.simd"
const KernelDef* batch_norm();            // "batch_norm.simd"
const KernelDef* instance_norm();         // "instance_norm.simd"
const KernelDef* layer_norm();            // "layer_norm.simd"
const KernelDef* lrn();                   // "lrn.simd"
const KernelDef* pool();                  // "pool.simd"

const KernelDef* unary();   // "unary.simd"
const KernelDef* binary();  // "binary.simd"
const KernelDef* clip();    // "clip.simd"
const KernelDef* resize();  // "resize.rows"

const KernelDef* quantize_linear();    // "quantize_linear.simd"
const KernelDef* dequantize_linear();  // "dequantize_linear.simd"

const KernelDef* concat();          // "concat.copy"
const KernelDef* split();           // "split.copy"
const KernelDef* slice();           // "slice.copy"
const KernelDef* transpose();       // "transpose.blocked"
const KernelDef* tile();            // "tile.copy"
const KernelDef* depth_to_space();  // "depth_to_space.copy"
const KernelDef* space_to_depth();  // "space_to_depth.copy"
const KernelDef* pad();             // "pad.copy"
const KernelDef* expand();          // "expand.copy"
const KernelDef* copy();            // "copy.blocked"
const KernelDef* reorder();         // "reorder.blocked"

}  // namespace memopt::cpu
