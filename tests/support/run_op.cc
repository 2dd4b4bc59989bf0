#include "tests/support/run_op.h"

#include <random>

#include "runtime/kernels/element.h"
#include "runtime/kernels/strided.h"

namespace memopt::testing {
namespace {

constexpr std::byte kGap{0xA5};

// Elements from the first to behind the last.
int64_t extent_of(const Dims& dims, const Dims& strides) {
  if (dims.count() == 0) return 0;
  int64_t last = 0;
  for (int i = 0; i < dims.rank(); ++i) last += (dims[i] - 1) * strides[i];
  return last + 1;
}

void store_double(DType dtype, void* data, int64_t index, double value) {
  const auto put = [&](auto tag) -> Status {
    using T = typename decltype(tag)::type;
    static_cast<T*>(data)[index] = store<T>(convert<Compute<T>>(value));
    return {};
  };
  const Status status = dtype == DType::kBool ? put(TypeTag<Bool>{}) : dispatch_number(dtype, put);
  MEMOPT_CHECK(status.ok());
}

void copy_elements(const HostTensor& from, HostTensor& to) {
  const int bits = dtype_bits(from.dtype);
  const auto width = static_cast<size_t>(bits / 8);
  for_each_coordinate(from.dims, [&](const Dims& at) {
    const int64_t source = offset_of(at, from.strides), place = offset_of(at, to.strides);
    if (bits < 8) {
      store_bits(to.dtype, to.bytes.data(), place,
                 load_bits(from.dtype, from.bytes.data(), source));
      return;
    }
    std::memcpy(to.bytes.data() + static_cast<size_t>(place) * width,
                from.bytes.data() + static_cast<size_t>(source) * width, width);
  });
}

Operand operand_of(const HostTensor* tensor, bool constant) {
  if (tensor == nullptr) return {};
  return {.present = true,
          .constant = constant,
          .dtype = tensor->dtype,
          .layout = tensor->layout,
          .dims = tensor->dims,
          .strides = tensor->strides,
          .data = constant ? tensor->bytes.data() : nullptr};
}

// Bytes aligned as constants and the arena are.
class AlignedBytes {
 public:
  explicit AlignedBytes(int64_t size)
      : bytes_(static_cast<size_t>(size + kArenaAlignment), kGap), size_(size) {}
  std::span<std::byte> span() {
    void* data = bytes_.data();
    size_t space = bytes_.size();
    std::align(kArenaAlignment, static_cast<size_t>(size_), data, space);
    return {static_cast<std::byte*>(data), static_cast<size_t>(size_)};
  }

 private:
  std::vector<std::byte> bytes_;
  int64_t size_;
};

}  // namespace

Tensor HostTensor::view() const {
  return {dtype, layout, dims, strides, const_cast<void*>(static_cast<const void*>(bytes.data()))};
}

HostTensor make_tensor(DType dtype, const Dims& dims, Layout layout, Spacing spacing,
                       std::byte fill) {
  HostTensor tensor{.dtype = dtype, .dims = dims, .layout = layout, .strides = {}, .bytes = {}};
  Dims around = dims;
  if (spacing == Spacing::kSliced && dims.rank() > 0) {
    around[layout == Layout::kChannelsLast ? 1 : dims.rank() - 1] += 3;
  }
  tensor.strides = dense_strides(around, layout);
  for (int64_t& stride : tensor.strides) stride *= spacing == Spacing::kStepped ? 2 : 1;
  const int64_t elements = extent_of(dims, tensor.strides);
  // One byte at least, so that an empty tensor is not taken for a missing one.
  const int64_t bytes = std::max<int64_t>(1, *dtype_bytes(dtype, elements));
  tensor.bytes.assign(static_cast<size_t>(bytes), fill);
  return tensor;
}

HostTensor tensor_of(DType dtype, const Dims& dims, std::span<const double> values) {
  MEMOPT_CHECK(dims.count() == static_cast<int64_t>(values.size()));
  HostTensor tensor = make_tensor(dtype, dims);
  for (size_t i = 0; i < values.size(); ++i) {
    store_double(dtype, tensor.bytes.data(), static_cast<int64_t>(i), values[i]);
  }
  return tensor;
}

HostTensor random_tensor(DType dtype, const Dims& dims, double low, double high, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> distribution(low, high);
  std::vector<double> values(static_cast<size_t>(dims.count()));
  for (double& value : values) {
    value = distribution(generator);
    if (!is_float(dtype)) value = std::floor(value);
  }
  return tensor_of(dtype, dims, values);
}

std::vector<double> values_of(const HostTensor& tensor) {
  std::vector<double> values;
  for_each_coordinate(tensor.dims, [&](const Dims& at) {
    values.push_back(load_double(tensor.dtype, tensor.bytes.data(), offset_of(at, tensor.strides)));
  });
  return values;
}

HostTensor stored_as(const HostTensor& tensor, Layout layout, Spacing spacing) {
  HostTensor copy = make_tensor(tensor.dtype, tensor.dims, layout, spacing);
  copy_elements(tensor, copy);
  return copy;
}

namespace {

// What the kernel is told: operands as they lie, the outputs made.
struct Prepared {
  std::vector<Operand> in, out;
  std::vector<HostTensor> outputs;
  const KernelDef* def = nullptr;
  KernelRequest request;
};
Result<Prepared> prepare(const Op& op, std::span<const HostTensor* const> inputs,
                         const RunOptions& options) {
  Prepared p;
  std::vector<TensorType> types(inputs.size());
  std::vector<const TensorType*> type_of;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]) types[i] = {inputs[i]->dtype, inputs[i]->dims, Layout::kRowMajor};
    type_of.push_back(inputs[i] ? &types[i] : nullptr);
    p.in.push_back(operand_of(inputs[i], options.constants && i > 0));
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<TensorType> results, infer_types(op, type_of));
  for (size_t i = 0; i < results.size(); ++i) {
    if (!options.wanted.empty() && (i >= options.wanted.size() || !options.wanted[i])) {
      p.outputs.emplace_back();
      p.out.emplace_back();
      continue;
    }
    const Layout layout = results[i].dims.rank() >= 3 ? options.layout : Layout::kRowMajor;
    p.outputs.push_back(
        make_tensor(results[i].dtype, results[i].dims, layout, options.spacing, options.fill));
    p.out.push_back(operand_of(&p.outputs.back(), false));
  }
  p.def = options.kernel ? options.kernel : reference_kernel(op_kind(op));
  p.request = {.op = &op, .inputs = p.in, .outputs = p.out, .target = options.target};
  if (!p.def->supports(p.request)) return internal_error("the kernel does not support the request");
  if (options.overwritten &&
      (!p.def->in_place || !p.def->in_place(p.request, *options.overwritten, 0))) {
    return internal_error("the kernel does not work in place");
  }
  return p;
}

}  // namespace

bool is_supported(const Op& op, std::span<const HostTensor* const> inputs,
                  const RunOptions& options) {
  return prepare(op, inputs, options).ok();
}

Result<std::vector<HostTensor>> run_op(const Op& op, std::span<const HostTensor* const> inputs,
                                       const RunOptions& options) {
  MEMOPT_ASSIGN_OR_RETURN(Prepared prepared, prepare(op, inputs, options));
  auto& [in, out, outputs, def, request] = prepared;
  KernelNeeds needs;
  if (def->needs) {
    MEMOPT_ASSIGN_OR_RETURN(needs, def->needs(request));
  }
  AlignedBytes scratch(needs.scratch_bytes);

  std::vector<Tensor> in_views, out_views;
  for (const HostTensor* input : inputs) in_views.push_back(input ? input->view() : Tensor{});
  for (size_t i = 0; i < outputs.size(); ++i) {
    out_views.push_back(out[i].present ? outputs[i].view() : Tensor{});
  }
  if (options.overwritten) {
    const auto input = static_cast<size_t>(*options.overwritten);
    outputs[0].bytes = inputs[input]->bytes;
    out_views[0] = outputs[0].view();
    in_views[input].data = out_views[0].data;
  }
  std::vector<AlignedBytes> packed;
  for (const PackedOperand& operand : needs.packed) {
    const auto i = static_cast<size_t>(operand.input);
    packed.emplace_back(operand.bytes);
    MEMOPT_RETURN_IF_ERROR(def->pack(request, operand.input, packed.back().span()));
    in_views[i].layout = Layout::kPacked;
    in_views[i].data = packed.back().span().data();
  }
  for (const PackedOperand& operand : needs.packed) {
    in[static_cast<size_t>(operand.input)].layout = Layout::kPacked;
  }
  for (Operand& operand : in) operand.data = nullptr;
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<Kernel> kernel, def->create(request));
  const RunContext context{.inputs = in_views,
                           .outputs = out_views,
                           .scratch = scratch.span().data(),
                           .parallel = options.parallel};
  if (options.around_run) options.around_run(true);
  const Status status = kernel->run(context);
  if (options.around_run) options.around_run(false);
  MEMOPT_RETURN_IF_ERROR(status);
  return outputs;
}

Result<std::vector<TensorType>> infer_op(const Op& op,
                                         std::initializer_list<const TensorType*> inputs) {
  return infer_types(op, std::span(inputs.begin(), inputs.size()));
}

}  // namespace memopt::testing
