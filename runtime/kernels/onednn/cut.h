// Cutting an operator over images and rows, so that the chunks can run on several threads.
#pragma once

#include <cstdint>
#include <vector>

namespace memopt::onednn {

// Images [image, image + images) and, of each, the output rows [row, row + rows). Either all rows
// or one image, so that a slice of a channels-last tensor is one contiguous block.
struct Slice {
  int64_t image = 0;
  int64_t images = 1;
  int64_t row = 0;
  int64_t rows = 1;
};

// At least `pieces` slices of nearly equal size where there are enough rows (rows: the outermost
// spatial dimension); a single one where `work` (multiply-adds or element moves, in whatever
// unit the caller counts) is below `worth`.
std::vector<Slice> cut(int64_t images, int64_t rows, int pieces, int64_t work, int64_t worth);

// Below this many floating-point operations a contraction is not cut.
inline constexpr int64_t kWorthCuttingFlops = 1'000'000;
// Below this many bytes read and written a data movement is not cut.
inline constexpr int64_t kWorthCuttingBytes = 128 * 1024;

}  // namespace memopt::onednn
