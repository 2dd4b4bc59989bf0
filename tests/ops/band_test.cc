// OpDef::band over the sample list: results computed in bands are those computed at once, bit for
// bit.
#include <gtest/gtest.h>

#include <set>

#include "runtime/ops/op_def.h"
#include "tests/support/samples.h"

namespace memopt::testing {
namespace {

// Bytes before, in and behind one row of an axis of a dense row-major tensor.
struct Rows {
  int64_t outer = 1;
  int64_t row_bytes = 1;
  int64_t extent = 0;
};

Rows rows_of(const HostTensor& tensor, int axis) {
  Rows rows{.outer = 1, .row_bytes = dtype_bits(tensor.dtype) / 8, .extent = tensor.dims[axis]};
  for (int i = 0; i < axis; ++i) rows.outer *= tensor.dims[i];
  for (int i = axis + 1; i < tensor.dims.rank(); ++i) rows.row_bytes *= tensor.dims[i];
  return rows;
}

// The bytes of these rows, in row-major order.
std::vector<std::byte> bytes_of(const HostTensor& tensor, const AxisRange& part) {
  const Rows rows = rows_of(tensor, part.axis);
  std::vector<std::byte> bytes;
  for (int64_t i = 0; i < rows.outer; ++i) {
    const auto first = tensor.bytes.begin() + (i * rows.extent + part.rows.begin) * rows.row_bytes;
    bytes.insert(bytes.end(), first, first + part.rows.count() * rows.row_bytes);
  }
  return bytes;
}

HostTensor part_of(const HostTensor& tensor, const std::optional<AxisRange>& part) {
  if (!part) return tensor;
  HostTensor result = make_tensor(tensor.dtype, part_type(tensor.type(), part).dims);
  result.bytes = bytes_of(tensor, *part);
  return result;
}

struct Whole {
  std::vector<std::optional<HostTensor>> inputs;
  std::vector<const TensorType*> input_types;
  std::vector<TensorType> input_type_storage;
  std::vector<TensorType> output_types;
  std::vector<HostTensor> outputs;
};

Whole run_whole(const Sample& sample) {
  Whole whole{.inputs = make_inputs(sample),
              .input_types = {},
              .input_type_storage = {},
              .output_types = {},
              .outputs = {}};
  for (const auto& input : whole.inputs) {
    whole.input_type_storage.push_back(input ? input->type() : TensorType{});
  }
  for (size_t i = 0; i < whole.inputs.size(); ++i) {
    whole.input_types.push_back(whole.inputs[i] ? &whole.input_type_storage[i] : nullptr);
  }
  const auto types = infer_types(sample.op, whole.input_types);
  const auto outputs = run_op(sample.op, pointers_to(whole.inputs));
  EXPECT_TRUE(types.ok() && outputs.ok()) << sample.name;
  if (types.ok()) whole.output_types = *types;
  if (outputs.ok()) whole.outputs = *outputs;
  return whole;
}

void expect_band_equals_rows(const Whole& whole, const OpBand& band, int axis, Interval rows) {
  std::vector<std::optional<HostTensor>> parts;
  for (size_t i = 0; i < whole.inputs.size(); ++i) {
    parts.emplace_back();
    if (whole.inputs[i]) parts.back() = part_of(*whole.inputs[i], band.inputs[i]);
  }
  const auto found = run_op(band.op, pointers_to(parts));
  ASSERT_TRUE(found.ok()) << found.error().message;
  const AxisRange kept{axis, {rows.begin - band.rows.begin, rows.end - band.rows.begin}};
  for (size_t i = 0; i < static_cast<size_t>(band.outputs); ++i) {
    EXPECT_EQ(bytes_of((*found)[i], kept), bytes_of(whole.outputs[i], {axis, rows}))
        << "output " << i;
  }
}

std::optional<OpBand> band_of(const Sample& sample, const Whole& whole, int axis, Interval rows) {
  return memopt::band_of(sample.op, whole.input_types, whole.output_types, axis, rows);
}

TEST(Band, ResultsInBandsAreTheWholeResult) {
  std::set<OpKind> answered;
  for (const Sample& sample : all_samples()) {
    if (!op_def(sample.op).band) continue;
    const Whole whole = run_whole(sample);
    for (int axis = 0; axis < whole.output_types[0].dims.rank(); ++axis) {
      const int64_t extent = whole.output_types[0].dims[axis];
      for (int64_t bands = 1; bands <= std::min<int64_t>(extent, 4); ++bands) {
        for (int64_t i = 0; i < bands; ++i) {
          const Interval rows{extent * i / bands, extent * (i + 1) / bands};
          SCOPED_TRACE(sample.name + ", axis " + std::to_string(axis) + ", rows " +
                       std::to_string(rows.begin) + " to " + std::to_string(rows.end));
          const auto band = band_of(sample, whole, axis, rows);
          // Windows can be cut everywhere, within channels too by pooling.
          const bool is_window = std::holds_alternative<Pool>(sample.op) ||
                                 (std::holds_alternative<Conv>(sample.op) && axis != 1);
          EXPECT_TRUE(band || !is_window || whole.output_types[0].dims.count() == 0);
          if (!band) continue;
          EXPECT_LE(band->rows.begin, rows.begin);
          EXPECT_GE(band->rows.end, rows.end);
          expect_band_equals_rows(whole, *band, axis, rows);
          if (bands > 1) answered.insert(op_kind(sample.op));
        }
      }
    }
  }
  for (OpKind kind = 0; kind < kOpCount; ++kind) {
    EXPECT_EQ(answered.contains(kind), op_def(kind).band != nullptr) << op_name(kind);
  }
}

TEST(Band, RefusesRowsOutsideOfTheAxis) {
  const TensorType x{.dtype = DType::kF32, .dims = {1, 4, 6, 6}};
  const TensorType* inputs[] = {&x};
  const Op relu = Unary{{UnaryFn::kRelu}};
  const auto band = [&](int axis, Interval rows) {
    return memopt::band_of(relu, inputs, std::span(&x, 1), axis, rows);
  };
  EXPECT_TRUE(band(2, {1, 3}));
  EXPECT_FALSE(band(2, {3, 3}));
  EXPECT_FALSE(band(2, {3, 7}));
  EXPECT_FALSE(band(2, {-1, 3}));
  EXPECT_FALSE(band(4, {0, 1}));
}

TEST(Band, PadsOnlyWhatLiesBeyondTheBorder) {
  const TensorType x{.dtype = DType::kF32, .dims = {1, 4, 9, 9}};
  const TensorType w{.dtype = DType::kF32, .dims = {4, 4, 3, 3}};
  const TensorType* inputs[] = {&x, &w};
  const Op conv = Conv{{{1, 1}, {1, 1}, {1, 1, 1, 1}, 1}, {}};
  const auto pads = [&](Interval rows, Interval expected) {
    const auto band = memopt::band_of(conv, inputs, std::span(&x, 1), 2, rows);
    EXPECT_TRUE(band);
    EXPECT_EQ(band->inputs[0], (AxisRange{2, expected}));
    EXPECT_FALSE(band->inputs[1]);
    return std::get<Conv>(band->op).pads;
  };
  EXPECT_EQ(pads({0, 3}, {0, 4}), (std::vector<int64_t>{1, 1, 0, 1}));
  EXPECT_EQ(pads({3, 6}, {2, 7}), (std::vector<int64_t>{0, 1, 0, 1}));
  EXPECT_EQ(pads({6, 9}, {5, 9}), (std::vector<int64_t>{0, 1, 1, 1}));
}

}  // namespace
}  // namespace memopt::testing
