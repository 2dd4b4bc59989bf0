// Bands of the operators that move elements (OpDef::band), whose definitions are in movement.cc and
// movement_index.cc.
#pragma once

#include "runtime/ops/op_def.h"

namespace memopt {

using BandRule = std::optional<OpBand>(const Op&, InputTypes, std::span<const TensorType> outputs,
                                       int axis, Interval rows);

BandRule concat_band, split_band, slice_band, transpose_band, reshape_band, expand_band, tile_band,
    trilu_band, reverse_sequence_band, depth_to_space_band, space_to_depth_band, same_band,
    full_band;
BandRule gather_band, gather_elements_band, gather_nd_band, one_hot_band, pad_band, resize_band;

}  // namespace memopt
