#include "runtime/kernels/onednn/integer.h"

#include <algorithm>

#include "runtime/base/checked.h"
#include "runtime/kernels/onednn/requantize.h"

namespace memopt::onednn {
namespace {

// Sums wait here, per chunk, for the last step; small enough for the second-level cache.
constexpr int64_t kStagingBytes = 256 * 1024;

Error unsupported(const char* why) { return internal_error(std::string("integer: ") + why); }

bool is_byte(DType type) { return type == DType::kI8 || type == DType::kU8; }

const Operand* operand_at(const KernelRequest& request, int index) {
  if (index < 0 || static_cast<size_t>(index) >= request.inputs.size()) return nullptr;
  const Operand& operand = request.inputs[static_cast<size_t>(index)];
  return operand.present ? &operand : nullptr;
}

// A vector of `count` values of `type`, or one.
bool is_parameter(const Operand* operand, DType type, int64_t count) {
  return operand != nullptr && operand->dtype == type && operand->layout != Layout::kPacked &&
         is_dense(operand->dims, operand->strides, Layout::kRowMajor) &&
         (operand->dims.count() == 1 ||
          (operand->dims.rank() >= 1 && operand->dims[operand->dims.rank() - 1] == count &&
           operand->dims.count() == count));
}

Status check_operands(const IntegerProblem& problem, const KernelRequest& request) {
  const IntegerOperands& at = problem.operands;
  const int64_t filters = problem.shape.y[1];
  const Operand* x = operand_at(request, at.x);
  const Operand* w = operand_at(request, at.w);
  const Operand& y = request.outputs[0];
  // Older processors add pairs of products in 16 bits.
  if (request.target.isa < Isa::kAvx512Vnni) return unsupported("instruction set");
  if (x == nullptr || !is_byte(x->dtype) || x->layout == Layout::kPacked || w == nullptr ||
      !is_packable(*w) || w->dtype != DType::kI8 || y.layout == Layout::kPacked) {
    return unsupported("types or layouts");
  }
  if (operand_at(request, at.x_zero) &&
      !is_parameter(operand_at(request, at.x_zero), x->dtype, 1)) {
    return unsupported("zero point of x");
  }
  if (const Operand* zero = operand_at(request, at.w_zero)) {
    if (!is_parameter(zero, DType::kI8, filters) || !zero->constant) {
      return unsupported("zero point of w");
    }
  }
  if (at.y_scale < 0) {
    if (y.dtype != DType::kI32) return unsupported("output type");
    return {};
  }
  if (!is_byte(y.dtype) || !is_parameter(operand_at(request, at.x_scale), DType::kF32, 1) ||
      !is_parameter(operand_at(request, at.w_scale), DType::kF32, filters) ||
      !is_parameter(operand_at(request, at.y_scale), DType::kF32, 1) ||
      !is_parameter(operand_at(request, at.y_zero), y.dtype, 1)) {
    return unsupported("scales");
  }
  if (const Operand* bias = operand_at(request, at.bias)) {
    if (bias->dims.count() != filters || !is_parameter(bias, DType::kI32, filters)) {
      return unsupported("bias");
    }
  }
  return {};
}

int32_t read_byte(const Tensor& tensor) {
  return tensor.dtype == DType::kI8 ? *tensor.as<int8_t>() : *tensor.as<uint8_t>();
}

// A chunk's scratch: the zero point of x, the scales, the sums that wait, the library's.
struct Scratch {
  int64_t scales = kArenaAlignment;
  int64_t staging = 0;
  int64_t library = 0;
};

// Reads the parameters, once per chunk.
auto read_parameters(const IntegerOperands& at, int64_t filters, const Scratch& scratch) {
  return [at, filters, scratch](const RunContext& context, std::byte* memory) {
    const auto input = [&](int index) -> const Tensor& {
      return context.inputs[static_cast<size_t>(index)];
    };
    if (at.x_zero >= 0 && static_cast<size_t>(at.x_zero) < context.inputs.size() &&
        input(at.x_zero).data != nullptr) {
      *reinterpret_cast<int32_t*>(memory) = read_byte(input(at.x_zero));
    }
    if (at.y_scale < 0) return;
    auto* scales = reinterpret_cast<float*>(memory + scratch.scales);
    const float x_scale = *input(at.x_scale).as<float>();
    const float y_scale = *input(at.y_scale).as<float>();
    const Tensor& w_scale = input(at.w_scale);
    for (int64_t m = 0; m < filters; ++m) {
      scales[m] = x_scale * w_scale.as<float>()[w_scale.count() == 1 ? 0 : m] / y_scale;
    }
  };
}

auto requantize(const IntegerOperands& at, const Scratch& scratch, const ConvSlice& slice) {
  const int64_t channels = slice.y[1];
  const int64_t rows = slice.y.count() / channels;
  return [at, scratch, channels, rows, offset = slice.y_offset](const RunContext& context,
                                                                std::byte* memory) {
    const Tensor& y = context.outputs[0];
    const bool has_bias = at.bias >= 0 && static_cast<size_t>(at.bias) < context.inputs.size();
    const int32_t* bias =
        has_bias ? context.inputs[static_cast<size_t>(at.bias)].as<int32_t>() : nullptr;
    requantize_rows(reinterpret_cast<const int32_t*>(memory + scratch.staging), bias,
                    reinterpret_cast<const float*>(memory + scratch.scales),
                    read_byte(context.inputs[static_cast<size_t>(at.y_zero)]),
                    y.dtype == DType::kI8, rows, channels, y.as<uint8_t>() + offset);
  };
}

// Each slice in bands of nearly equal numbers of rows, whose sums fit the staging memory.
std::vector<std::vector<Slice>> bands_of(const ConvShape& shape, const std::vector<Slice>& slices,
                                         bool staged) {
  const int64_t row_bytes = shape.y.count() / shape.y[0] / shape.y[2] * 4;
  const int64_t most = staged ? std::max<int64_t>(1, kStagingBytes / row_bytes) : shape.y[2];
  std::vector<std::vector<Slice>> bands;
  for (const Slice& slice : slices) {
    auto& list = bands.emplace_back();
    const int64_t count = (slice.rows + most - 1) / most;
    const int64_t rows = (slice.rows + count - 1) / count;
    for (int64_t image = slice.image; image < slice.image + slice.images; ++image) {
      for (int64_t row = 0; row < slice.rows; row += rows) {
        list.push_back({image, 1, slice.row + row, std::min(rows, slice.rows - row)});
      }
    }
  }
  return bands;
}

Result<Attributes> make_integer_attributes(bool zero_point) {
  MEMOPT_ASSIGN_OR_RETURN(Attributes attributes, make_attributes({}, false));
  if (zero_point) {
    const int32_t at_run = DNNL_RUNTIME_S32_VAL;
    MEMOPT_RETURN_IF_ERROR(
        check(dnnl_primitive_attr_set_zero_points(attributes.get(), DNNL_ARG_SRC, 1, 0, &at_run),
              "zero point"));
  }
  return attributes;
}

}  // namespace

Result<Program> build_integer(const IntegerProblem& problem, const KernelRequest& request) {
  const ConvShape& shape = problem.shape;
  const IntegerOperands& at = problem.operands;
  MEMOPT_RETURN_IF_ERROR(check_operands(problem, request));
  const bool staged = at.y_scale >= 0;
  const bool zero_point = operand_at(request, at.x_zero) != nullptr;
  const DType x_type = request.inputs[static_cast<size_t>(at.x)].dtype;
  const std::vector<std::vector<Slice>> bands = bands_of(
      shape, cut(shape.y[0], shape.y[2], request.target.pieces, shape.flops(), kWorthCuttingFlops),
      staged);
  std::vector<Slice> all;
  for (const auto& list : bands) all.insert(all.end(), list.begin(), list.end());
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes, make_integer_attributes(zero_point));
  MEMOPT_ASSIGN_OR_RETURN(
      const ConvPieces pieces,
      conv_pieces(shape, all, {x_type, DType::kI8, DType::kI32}, false, attributes));

  Program program;
  MEMOPT_ASSIGN_OR_RETURN(program.packing,
                          conv_packing(shape, problem.w_strides, DType::kI8, at.w, pieces.weights));
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc weights, opaque_desc(desc_bytes(pieces.weights)));
  MEMOPT_ASSIGN_OR_RETURN(const MemoryDesc scalar, dense_desc({1}, DType::kI32, Layout::kRowMajor));
  Scratch scratch;
  scratch.staging = scratch.scales + align_up(staged ? shape.y[1] * 4 : 0, kArenaAlignment);
  int64_t staging_bytes = 0;
  for (const ConvSlice& slice : pieces.slices) {
    if (staged) staging_bytes = std::max(staging_bytes, slice.y.count() * 4);
  }
  scratch.library = align_up(scratch.staging + staging_bytes, kArenaAlignment);
  size_t next = 0;
  for (const auto& list : bands) {
    Chunk& chunk = program.chunks.emplace_back();
    for (size_t band = 0; band < list.size(); ++band, ++next) {
      const ConvSlice& slice = pieces.slices[next];
      Call call;
      call.desc = pieces.descs[next];
      const auto query = [&](dnnl_query_t what) {
        return *dnnl_primitive_desc_query_md(call.desc.get(), what, 0);
      };
      const Place destination = staged ? Place{Place::In::kScratch, 0, scratch.staging}
                                       : Place{Place::In::kOutput, 0, slice.y_offset * 4};
      call.arguments = {
          {DNNL_ARG_SRC, {Place::In::kInput, at.x, slice.x_offset}, query(dnnl_query_src_md)},
          {DNNL_ARG_WEIGHTS, {Place::In::kInput, at.w, 0}, weights},
          {DNNL_ARG_DST, destination, query(dnnl_query_dst_md)}};
      if (zero_point) {
        call.arguments.push_back(
            {DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, {Place::In::kScratch, 0, 0}, scalar});
      }
      if (band == 0) call.prepare = read_parameters(at, shape.y[1], scratch);
      if (staged) call.after = requantize(at, scratch, slice);
      chunk.scratch_bytes = std::max(chunk.scratch_bytes, bind_scratch(call, scratch.library));
      chunk.calls.push_back(std::move(call));
    }
  }
  return program;
}

bool has_exact_sums(const IntegerProblem& problem, const KernelRequest& request) {
  const IntegerOperands& at = problem.operands;
  const Operand& w = request.inputs[static_cast<size_t>(at.w)];
  if (w.layout == Layout::kPacked) return true;
  if (w.data == nullptr) return false;
  if (const Operand* zero = operand_at(request, at.w_zero)) {
    const auto* values = static_cast<const int8_t*>(zero->data);
    if (values == nullptr ||
        std::any_of(values, values + zero->dims.count(), [](int8_t value) { return value != 0; })) {
      return false;
    }
  }
  // x - zero lies in [least, most], which contains 0 (padding).
  const bool is_signed = request.inputs[static_cast<size_t>(at.x)].dtype == DType::kI8;
  int64_t least = -255;
  int64_t most = 255;
  const Operand* x_zero = operand_at(request, at.x_zero);
  if (x_zero == nullptr || x_zero->data != nullptr) {
    int64_t zero = 0;
    if (x_zero != nullptr) {
      zero = is_signed ? *static_cast<const int8_t*>(x_zero->data)
                       : *static_cast<const uint8_t*>(x_zero->data);
    }
    least = (is_signed ? -128 : 0) - zero;
    most = (is_signed ? 127 : 255) - zero;
  }
  const auto* values = static_cast<const int8_t*>(w.data);
  const ConvShape& shape = problem.shape;
  const int64_t taps = shape.w.count() / shape.w[0] / shape.w[1];  // dense, innermost
  for (int64_t m = 0; m < shape.w[0]; ++m) {
    int64_t positive = 0, negative = 0;
    for (int64_t c = 0; c < shape.w[1]; ++c) {
      const int8_t* row = values + m * problem.w_strides[0] + c * problem.w_strides[1];
      for (int64_t k = 0; k < taps; ++k) (row[k] > 0 ? positive : negative) += row[k];
    }
    const int64_t highest = most * positive + least * negative;
    const int64_t lowest = least * positive + most * negative;
    if (std::max(highest, -lowest) > (int64_t{1} << 24)) return false;
  }
  return true;
}

}  // namespace memopt::onednn
