// Long windows over short lines read a padded copy of their input. The library makes code for every
// length to which a window is cut off by the padding (a padding of 250: 20 ms); without padding it
// makes one, the pieces of a line are alike, and the convolution runs faster.
#pragma once

#include <functional>

#include "runtime/kernels/onednn/convolution.h"

namespace memopt::onednn {

// Whether the copy is worth its scratch: much padding, and no more bytes than the library likes to
// take itself.
bool wants_padded_copy(const ConvShape& shape);

// The convolution of the padded input: a longer x, no pads.
ConvShape padded(const ConvShape& shape);

// Writes what `slice` of padded(shape) reads to the chunk's scratch, from f32 input 0.
std::function<void(const RunContext&, std::byte* scratch)> copy_padded(const ConvShape& shape,
                                                                       const ConvSlice& slice);

}  // namespace memopt::onednn
