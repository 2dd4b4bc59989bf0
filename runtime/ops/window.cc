#include "runtime/ops/window.h"

#include <algorithm>
#include <string>

#include "runtime/ops/infer_checks.h"

namespace memopt {
namespace {

Status check_list(std::string_view what, std::span<const int64_t> list, size_t size,
                  int64_t least) {
  if (list.size() != size) {
    return needed(what, std::to_string(size) + " entries", std::to_string(list.size()));
  }
  for (const int64_t entry : list) {
    MEMOPT_RETURN_IF_ERROR(check_range(what, entry, least));
  }
  return {};
}

Status check_window(std::span<const int64_t> in, const WindowView& window) {
  const size_t n = in.size();
  MEMOPT_RETURN_IF_ERROR(check_list("kernel", window.kernel, n, 1));
  MEMOPT_RETURN_IF_ERROR(check_list("strides", window.strides, n, 1));
  MEMOPT_RETURN_IF_ERROR(check_list("dilations", window.dilations, n, 1));
  return check_list("pads", window.pads, 2 * n, -kMaxDim);
}

// dilation (kernel - 1) + 1, or an error where that is beyond every tensor.
Result<int64_t> kernel_extent(const WindowView& window, size_t i) {
  const auto reach = checked_mul(window.dilations[i], window.kernel[i] - 1);
  if (!reach || *reach > kMaxDim) return bad_input("kernel: its dilated extent is too large");
  return *reach + 1;
}

}  // namespace

Result<Dims> window_output(std::span<const int64_t> in, const WindowView& window, bool ceil_mode) {
  MEMOPT_RETURN_IF_ERROR(check_window(in, window));
  const size_t n = in.size();
  Dims out;
  for (size_t i = 0; i < n; ++i) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t extent, kernel_extent(window, i));
    const int64_t stride = window.strides[i];
    const int64_t padded = in[i] + window.pads[i] + window.pads[n + i];  // each below 2^40
    // With ceil_mode the last window may hang over the end by less than a stride.
    if (ceil_mode && padded < extent && extent - padded < stride) {
      out.push_back(1);
      continue;
    }
    if (padded < extent) {
      return needed("kernel",
                    "an extent of at most " + std::to_string(padded) +
                        " (the padded input, spatial dimension " + std::to_string(i) + ")",
                    std::to_string(extent));
    }
    int64_t steps = (padded - extent) / stride;
    if (ceil_mode) {
      if ((padded - extent) % stride != 0) ++steps;
      if (steps > 0 && steps * stride >= in[i] + window.pads[i]) --steps;
    }
    out.push_back(steps + 1);
  }
  return out;
}

WindowBand window_band(int64_t in, const WindowView& window, size_t i, Interval rows) {
  const int64_t reach = window.dilations[i] * (window.kernel[i] - 1) + 1;
  const int64_t low = rows.begin * window.strides[i] - window.pads[i];
  const int64_t high = (rows.end - 1) * window.strides[i] - window.pads[i] + reach;
  const int64_t begin = std::clamp<int64_t>(low, 0, in - 1);
  const int64_t end = std::clamp<int64_t>(high, begin + 1, in);
  return {.rows = {begin, end}, .pad_begin = begin - low, .pad_end = high - end};
}

Result<Dims> transposed_window_output(std::span<const int64_t> in, const WindowView& window,
                                      std::span<const int64_t> output_padding) {
  MEMOPT_RETURN_IF_ERROR(check_window(in, window));
  MEMOPT_RETURN_IF_ERROR(check_list("output_padding", output_padding, in.size(), 0));
  const size_t n = in.size();
  Dims out;
  for (size_t i = 0; i < n; ++i) {
    MEMOPT_ASSIGN_OR_RETURN(const int64_t extent, kernel_extent(window, i));
    if (in[i] == 0) return needed("x", "spatial dimensions of at least 1", "0");
    const auto steps = checked_mul(window.strides[i], in[i] - 1);
    if (!steps || *steps > kMaxDim) return bad_input("strides: the result is too large");
    const int64_t extent_out =
        *steps + output_padding[i] + extent - window.pads[i] - window.pads[n + i];
    if (extent_out < 0) {
      return needed("pads",
                    "at most " + std::to_string(*steps + output_padding[i] + extent) +
                        " in total (spatial dimension " + std::to_string(i) + ")",
                    std::to_string(window.pads[i] + window.pads[n + i]));
    }
    out.push_back(extent_out);
  }
  return out;
}

}  // namespace memopt
