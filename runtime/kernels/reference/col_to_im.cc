// Columns back to an image: every channel starts at 0, then each element of the block adds its row
// of windows, in the order of the block. Channels are independent.
#include "runtime/kernels/reference/copy.h"
#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/scalar_math.h"
#include "runtime/ops/window.h"

namespace memopt {
namespace {

// How many windows there are along every dimension.
Dims windows_of(const ColToIm& op) {
  const auto windows =
      window_output(op.image, {op.block, op.strides, op.dilations, op.pads}, false);
  MEMOPT_CHECK(windows.ok());  // type inference has asked the same
  return *windows;
}

// The windows [begin, end) along one dimension whose element at `offset` lies inside of the image.
struct Inside {
  int64_t begin, end;
};
Inside inside(int64_t offset, int64_t stride, int64_t windows, int64_t extent) {
  const int64_t begin = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  const int64_t end = extent <= offset ? 0 : (extent - 1 - offset) / stride + 1;
  return {std::min(begin, windows), std::min(end, windows)};
}

template <typename T>
void add_row(const ColToIm& op, const Dims& windows, const Dims& block, const Place& from,
             const Place& to) {
  const int last = windows.rank() - 1;
  Dims outer = windows;
  outer[last] = 1;
  const auto pixel = [&](int i, int64_t window) {
    const auto at = static_cast<size_t>(i);
    return window * op.strides[at] + block[i] * op.dilations[at] - op.pads[at];
  };
  const Inside range = inside(pixel(last, 0), op.strides[static_cast<size_t>(last)], windows[last],
                              op.image[static_cast<size_t>(last)]);
  const int64_t step = op.strides[static_cast<size_t>(last)] * to.strides[last];
  int64_t line = from.offset;
  for_each_coordinate(outer, [&](const Dims& at) {
    const T* const x = static_cast<const T*>(from.data) + line;
    line += windows[last] * from.strides[0];
    int64_t offset = to.offset + pixel(last, 0) * to.strides[last];
    for (int i = 0; i < last; ++i) {
      const int64_t position = pixel(i, at[i]);
      if (position < 0 || position >= op.image[static_cast<size_t>(i)]) return;
      offset += position * to.strides[i];
    }
    T* const y = static_cast<T*>(to.data);
    for (int64_t w = range.begin; w < range.end; ++w) {
      T& sum = y[offset + w * step];
      sum = store<T>(binary_value(BinaryFn::kAdd, load(sum), load(x[w * from.strides[0]])));
    }
  });
}

Status run_col_to_im(const ColToIm& op, const RunContext& context) {
  static constexpr uint64_t kZero[2] = {};
  const Tensor& x = context.inputs[0];
  const Tensor& y = context.outputs[0];
  const Dims windows = windows_of(op);
  const Dims block{std::span(op.block)};
  const Dims image{std::span(op.image)};
  const Dims pixel_strides(y.strides.span().subspan(2));
  const Place zeros{const_cast<uint64_t*>(kZero), 0, Dims::filled(image.rank(), 0)};
  for_each_chunk(context.parallel, y.dims[0] * y.dims[1], [&](int64_t plane) {
    const int64_t n = plane / y.dims[1], c = plane % y.dims[1];
    const Place to{y.data, n * y.strides[0] + c * y.strides[1], pixel_strides};
    copy_box(y.dtype, image, zeros, to, nullptr);
    int64_t row = c * block.count();
    for_each_coordinate(block, [&](const Dims& at) {
      const Place from{x.data, n * x.strides[0] + row++ * x.strides[1], {x.strides[2]}};
      const Status status = dispatch_number(x.dtype, [&](auto tag) {
        add_row<typename decltype(tag)::type>(op, windows, at, from, to);
        return Status();
      });
      MEMOPT_CHECK(status.ok());
    });
  });
  return {};
}

}  // namespace

const KernelDef* ColToIm_reference() {
  static constexpr KernelDef kDef = reference_def<ColToIm, run_col_to_im>();
  return &kDef;
}

}  // namespace memopt
