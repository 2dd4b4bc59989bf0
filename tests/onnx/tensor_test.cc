// Every way in which ONNX stores elements, and the data that does not fit its type.
#include "compiler/onnx/tensor.h"

#include <gtest/gtest.h>

#include <cstring>

#include "compiler/onnx/node_context.h"
#include "compiler/onnx/tensor_file.h"
#include "compiler/onnx/wire.h"
#include "tests/onnx/model_builder.h"

namespace memopt::testing {
namespace {

onnx::TensorProto typed(int type, const std::vector<int64_t>& dims) {
  onnx::TensorProto tensor;
  tensor.set_data_type(type);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  return tensor;
}

// The elements, or nothing and a failed expectation.
std::vector<double> values_of(const onnx::TensorProto& tensor) {
  const auto loaded = load_tensor(tensor, {});
  EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
  return loaded.ok() ? *floats_of(loaded->type, loaded->data->bytes()) : std::vector<double>{};
}

std::string refusal_of(const onnx::TensorProto& tensor) {
  const auto loaded = load_tensor(tensor, {});
  return loaded.ok() ? "" : loaded.error().message;
}

TEST(Tensor, ReadsTypedFields) {
  auto f32 = typed(onnx::TensorProto::FLOAT, {2});
  f32.add_float_data(1.5f);
  f32.add_float_data(-2);
  EXPECT_EQ(values_of(f32), (std::vector<double>{1.5, -2}));

  auto f64 = typed(onnx::TensorProto::DOUBLE, {1});
  f64.add_double_data(0.1);
  EXPECT_EQ(values_of(f64), (std::vector<double>{0.1}));

  auto f16 = typed(onnx::TensorProto::FLOAT16, {2});
  f16.add_int32_data(0x3c00);  // 1
  f16.add_int32_data(0xc000);  // -2
  EXPECT_EQ(values_of(f16), (std::vector<double>{1, -2}));

  auto i8 = typed(onnx::TensorProto::INT8, {2});
  i8.add_int32_data(-128);
  i8.add_int32_data(127);
  EXPECT_EQ(values_of(i8), (std::vector<double>{-128, 127}));

  auto u32 = typed(onnx::TensorProto::UINT32, {1});
  u32.add_uint64_data(4000000000u);
  EXPECT_EQ(values_of(u32), (std::vector<double>{4000000000.0}));

  auto boolean = typed(onnx::TensorProto::BOOL, {2});
  boolean.add_int32_data(1);
  boolean.add_int32_data(0);
  EXPECT_EQ(values_of(boolean), (std::vector<double>{1, 0}));

  EXPECT_EQ(values_of(int_tensor("", {}, {7})), (std::vector<double>{7}));
}

TEST(Tensor, ReadsPackedFourBitElements) {
  auto raw = typed(onnx::TensorProto::INT4, {3});
  raw.set_raw_data(std::string("\x21\x0f", 2));
  EXPECT_EQ(values_of(raw), (std::vector<double>{1, 2, -1}));

  auto field = typed(onnx::TensorProto::UINT4, {3});
  field.add_int32_data(0x21);
  field.add_int32_data(0x0f);
  EXPECT_EQ(values_of(field), (std::vector<double>{1, 2, 15}));
}

TEST(Tensor, NeedsExactlyItsBytes) {
  auto tensor = float_tensor("", {1000000}, {1});
  EXPECT_TRUE(has_text(refusal_of(tensor), "needed 4000000 bytes"));
  tensor = float_tensor("", {1}, {1, 2});
  EXPECT_TRUE(has_text(refusal_of(tensor), "needed 4 bytes"));
  EXPECT_TRUE(has_text(refusal_of(int_tensor("", {3}, {1, 2})), "needed 3 elements"));
  auto packed = typed(onnx::TensorProto::INT4, {3});
  packed.set_raw_data("a");
  EXPECT_TRUE(has_text(refusal_of(packed), "needed 2 bytes"));
}

TEST(Tensor, RefusesImpossibleShapes) {
  EXPECT_TRUE(has_text(refusal_of(typed(onnx::TensorProto::FLOAT, std::vector<int64_t>(9, 1))),
                       "at most 8"));
  EXPECT_TRUE(has_text(refusal_of(typed(onnx::TensorProto::FLOAT, {-1})), "negative"));
  EXPECT_TRUE(
      has_text(refusal_of(typed(onnx::TensorProto::FLOAT, {int64_t{1} << 40, int64_t{1} << 40})),
               "too large"));
  EXPECT_TRUE(has_text(refusal_of(typed(onnx::TensorProto::STRING, {1})), "STRING"));
  EXPECT_TRUE(has_text(refusal_of(typed(99, {1})), "type 99"));
}

TEST(Tensor, ASegmentOutsideOfTheFileIsRefused) {
  auto tensor = typed(onnx::TensorProto::FLOAT, {1});
  tensor.mutable_segment()->set_begin(0);
  tensor.mutable_segment()->set_end(4);
  EXPECT_TRUE(has_text(refusal_of(tensor), "outside of the file"));
}

onnx::SparseTensorProto sparse(const std::vector<int64_t>& dims, const std::vector<float>& values,
                               onnx::TensorProto indices) {
  onnx::SparseTensorProto tensor;
  for (const int64_t dim : dims) tensor.add_dims(dim);
  *tensor.mutable_values() = float_tensor("s", {static_cast<int64_t>(values.size())}, values);
  *tensor.mutable_indices() = std::move(indices);
  return tensor;
}

TEST(SparseTensor, IsMadeDense) {
  for (const auto& indices : {int_tensor("", {2}, {1, 5}), int_tensor("", {2, 2}, {0, 1, 1, 2})}) {
    const auto loaded = load_sparse_tensor(sparse({2, 3}, {7, 8}, indices), {});
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    EXPECT_EQ(*floats_of(loaded->type, loaded->data->bytes()),
              (std::vector<double>{0, 7, 0, 0, 0, 8}));
  }
}

TEST(SparseTensor, ChecksItsIndicesAndSize) {
  const auto refused = [](const onnx::SparseTensorProto& tensor) {
    return !load_sparse_tensor(tensor, {}).ok();
  };
  EXPECT_TRUE(refused(sparse({6}, {7, 8}, int_tensor("", {2}, {1, 6}))));
  EXPECT_TRUE(refused(sparse({6}, {7, 8}, int_tensor("", {2}, {5, 1}))));
  EXPECT_TRUE(refused(sparse({6}, {7, 8}, int_tensor("", {2}, {-1, 1}))));
  EXPECT_TRUE(refused(sparse({2, 3}, {7}, int_tensor("", {1, 2}, {0, 3}))));
  EXPECT_TRUE(refused(sparse({int64_t{1} << 30}, {7}, int_tensor("", {1}, {0}))));
}

TEST(TensorFile, MapsLargeRawAndFloatData) {
  const TemporaryFolder folder;
  std::vector<float> values(5000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  auto tensor = float_tensor("t", {5000}, values);
  auto read = read_tensor_pb(folder.write("raw.pb", tensor.SerializeAsString()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(std::memcmp(read->bytes.data(), values.data(), read->bytes.size()), 0);
  EXPECT_EQ(read->name, "t");

  tensor.clear_raw_data();
  for (const float value : values) tensor.add_float_data(value);
  read = read_tensor_pb(folder.write("float.pb", tensor.SerializeAsString()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(std::memcmp(read->bytes.data(), values.data(), read->bytes.size()), 0);
}

TEST(TensorFile, RoundTrips) {
  const TemporaryFolder folder;
  TensorData tensor{.type = {.dtype = DType::kU8, .dims = {3}}, .bytes = {}, .name = "n"};
  tensor.bytes.assign(3, std::byte{9});
  ASSERT_TRUE(write_tensor_pb(tensor, folder.path("t.pb")).ok());
  const auto read = read_tensor_pb(folder.path("t.pb"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->bytes, tensor.bytes);
  EXPECT_EQ(read->type, tensor.type);
}

TEST(Wire, LargeDataIsLeftInTheFile) {
  const std::string text =
      float_tensor("t", {4096}, std::vector<float>(4096, 1)).SerializeAsString();
  const auto cut = cut_tensor_data(std::as_bytes(std::span(text)), WireMessage::kTensor);
  ASSERT_TRUE(cut.ok());
  EXPECT_LT(cut->text.size(), 100u);
  onnx::TensorProto tensor;
  ASSERT_TRUE(tensor.ParseFromString(cut->text));
  EXPECT_EQ(tensor.segment().end() - tensor.segment().begin(), 4 * 4096);
}

TEST(Wire, AFileWithItsOwnSegmentsIsRefused) {
  onnx::TensorProto tensor = float_tensor("t", {1}, {1});
  tensor.mutable_segment()->set_begin(0);
  const std::string text = tensor.SerializeAsString();
  EXPECT_FALSE(cut_tensor_data(std::as_bytes(std::span(text)), WireMessage::kTensor).ok());
}

}  // namespace
}  // namespace memopt::testing
