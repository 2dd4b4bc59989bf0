// Resize by its definition: for every output element the sum over the product of the axes' windows
// (resize_axis.h), in double precision.
#include <cmath>
#include <vector>

#include "runtime/kernels/reference/reference.h"
#include "runtime/kernels/resize_axis.h"

namespace memopt {
namespace {

class ResizeKernel final : public Kernel {
 public:
  ResizeKernel(Resize op, const Dims& in) : op_(std::move(op)), axes_(make_resize_axes(op_, in)) {}

  static Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
    return std::unique_ptr<Kernel>(
        new ResizeKernel(std::get<Resize>(*request.op), request.inputs[0].dims));
  }

  Status run(const RunContext& context) override {
    return dispatch_number(context.inputs[0].dtype, [&](auto tag) {
      run_typed<typename decltype(tag)::type>(context);
      return Status();
    });
  }

 private:
  template <typename T>
  void run_typed(const RunContext& context) const {
    const Tensor& y = context.outputs[0];
    for_each_range(context.parallel, y.count(), kChunkElements, [&](int64_t begin, int64_t end) {
      Dims at = Dims::filled(y.rank(), 0);
      int64_t rest = begin;
      for (int i = y.rank() - 1; i >= 0; --i) {
        at[i] = rest % y.dims[i];
        rest /= y.dims[i];
      }
      for (int64_t index = begin; index < end; ++index) {
        y.as<T>()[offset_of(at, y.strides)] = element<T>(context.inputs[0], at);
        for (int i = y.rank() - 1; i >= 0; --i) {
          if (++at[i] < y.dims[i]) break;
          at[i] = 0;
        }
      }
    });
  }

  template <typename T>
  T element(const Tensor& x, const Dims& at) const {
    for (int i = 0; i < at.rank(); ++i) {
      if (window(i, at).outside) return round_to<T>(op_.extrapolation_value);
    }
    return round_to<T>(sum<T>(x, at, 0, 0));
  }

  const ResizeWindow& window(int axis, const Dims& at) const {
    return axes_[static_cast<size_t>(axis)].windows[static_cast<size_t>(at[axis])];
  }

  template <typename T>
  double sum(const Tensor& x, const Dims& at, int axis, int64_t offset) const {
    if (axis == at.rank()) return static_cast<double>(load(x.as<T>()[offset]));
    const ResizeWindow& w = window(axis, at);
    const double* const weights = axes_[static_cast<size_t>(axis)].weights.data() + w.weights;
    offset += w.first * x.strides[axis];
    if (w.count == 1) return weights[0] * sum<T>(x, at, axis + 1, offset);
    double total = 0;
    for (int64_t i = 0; i < w.count; ++i, offset += x.strides[axis]) {
      if (weights[i] != 0) total += weights[i] * sum<T>(x, at, axis + 1, offset);
    }
    return total;
  }

  template <typename T>
  static T round_to(double value) {
    using C = Compute<T>;
    if constexpr (std::is_integral_v<C>) return convert<C>(std::nearbyint(value));
    return store<T>(convert<C>(value));
  }

  Resize op_;
  std::vector<ResizeAxis> axes_;
};

}  // namespace

const KernelDef* Resize_reference() {
  static constexpr KernelDef kDef{.name = "resize.reference",
                                  .op = kOpKind<Resize>,
                                  .supports = reference_supports,
                                  .create = ResizeKernel::create};
  return &kDef;
}

}  // namespace memopt
