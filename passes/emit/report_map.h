// The arena as a picture in a terminal: steps from left to right, addresses from bottom to top.
#pragma once

#include <string>

#include "passes/emit/report.h"

namespace memopt {

struct MapOptions {
  int columns = 96;    // of the picture itself, 8 to 1000
  int rows = 24;       // 4 to 1000
  bool ascii = false;  // only ASCII characters
};

// Each cell shows the tensor that fills most of it: a letter for the largest ones (bytes times
// steps), which the legend names, a shade for the others and for scratch. Under it the curve of
// live bytes and a mark at the peak step.
std::string map_text(const Report& report, const MapOptions& options = {});

}  // namespace memopt
