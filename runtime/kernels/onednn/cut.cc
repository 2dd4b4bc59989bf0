#include "runtime/kernels/onednn/cut.h"

#include <algorithm>

namespace memopt::onednn {

std::vector<Slice> cut(int64_t images, int64_t rows, int pieces, int64_t work, int64_t worth) {
  if (pieces <= 1 || work < worth) return {{0, images, 0, rows}};
  std::vector<Slice> slices;
  if (images >= pieces) {
    for (int64_t i = 0; i < pieces; ++i) {
      const int64_t begin = images * i / pieces;
      slices.push_back({begin, images * (i + 1) / pieces - begin, 0, rows});
    }
    return slices;
  }
  // The larger part comes first: with two threads the caller's thread then starts with it.
  const int64_t parts = std::min(rows, (pieces + images - 1) / images);
  const int64_t part = (rows + parts - 1) / parts;
  for (int64_t image = 0; image < images; ++image) {
    for (int64_t row = 0; row < rows; row += part) {
      slices.push_back({image, 1, row, std::min(part, rows - row)});
    }
  }
  return slices;
}

}  // namespace memopt::onednn
