#include "tests/support/samples.h"

#include <random>

namespace memopt::testing {
namespace {

SampleInput of(DType dtype, Dims dims, double low = -2, double high = 2) {
  return {.dtype = dtype, .dims = dims, .low = low, .high = high, .values = {}, .present = true};
}
SampleInput f32_of(Dims dims, double low = -2, double high = 2) {
  return of(DType::kF32, dims, low, high);
}
SampleInput with_values(DType dtype, Dims dims, std::vector<double> values) {
  SampleInput input = of(dtype, dims);
  input.values = std::move(values);
  return input;
}
SampleInput missing() {
  SampleInput input;
  input.present = false;
  return input;
}

class List {
 public:
  void add(std::string name, Op op, std::vector<SampleInput> inputs) {
    samples_.push_back(
        {std::string(op_name(op)) + '_' + std::move(name), std::move(op), std::move(inputs)});
  }
  std::vector<Sample> take() { return std::move(samples_); }

 private:
  std::vector<Sample> samples_;
};

DType type_for(UnaryFn fn) {
  if (fn == UnaryFn::kNot) return DType::kBool;
  return fn == UnaryFn::kBitNot ? DType::kI32 : DType::kF32;
}

void add_unary(List& list) {
  for (size_t i = 0; i < std::size(EnumNames<UnaryFn>::kNames); ++i) {
    const auto fn = static_cast<UnaryFn>(i);
    const Unary op{.fn = {.fn = fn, .alpha = 0.5, .beta = 1.5}};
    const std::string name(enum_name(fn));
    list.add(name, op, {of(type_for(fn), {2, 5, 3, 7}, 0, 2)});
    if (type_for(fn) == DType::kF32) {
      list.add(name + "_f16", op, {of(DType::kF16, {3, 11}, -0.9, 0.9)});
      list.add(name + "_f64", op, {of(DType::kF64, {13}, -1, 3)});
    }
  }
  list.add("relu_i8", Unary{{UnaryFn::kRelu}}, {of(DType::kI8, {2, 9, 4}, -128, 128)});
  list.add("neg_i64", Unary{{UnaryFn::kNeg}}, {of(DType::kI64, {7}, -1e9, 1e9)});
  list.add("relu_large", Unary{{UnaryFn::kRelu}}, {f32_of({1, 16, 70, 70})});
  list.add("empty", Unary{{UnaryFn::kRelu}}, {f32_of({2, 0, 3})});
  list.add("scalar", Unary{{UnaryFn::kExp}}, {f32_of({})});
}

DType type_for(BinaryFn fn) {
  switch (fn) {
    case BinaryFn::kAnd:
    case BinaryFn::kOr:
    case BinaryFn::kXor:
      return DType::kBool;
    case BinaryFn::kMod:
      return DType::kI32;
    case BinaryFn::kBitAnd:
    case BinaryFn::kBitOr:
    case BinaryFn::kBitXor:
    case BinaryFn::kShiftLeft:
    case BinaryFn::kShiftRight:
      return DType::kU8;
    default:
      return DType::kF32;
  }
}

void add_binary(List& list) {
  for (size_t i = 0; i < std::size(EnumNames<BinaryFn>::kNames); ++i) {
    const auto fn = static_cast<BinaryFn>(i);
    const DType type = type_for(fn);
    const std::string name(enum_name(fn));
    const double high = type == DType::kBool ? 2 : 12;
    const Binary op{.fn = fn, .activation = {}};
    list.add(name, op, {of(type, {2, 5, 3, 7}, 0, high), of(type, {2, 5, 3, 7}, 0, high)});
    list.add(name + "_channel", op,
             {of(type, {2, 5, 3, 7}, 0, high), of(type, {5, 1, 1}, 1, high)});
    if (type == DType::kF32) {
      list.add(name + "_i32", op, {of(DType::kI32, {4, 9}, -5, 6), of(DType::kI32, {4, 1}, -3, 4)});
      list.add(name + "_f16", op, {of(DType::kF16, {4, 9}, 0, 3), of(DType::kF16, {9}, 0, 3)});
    }
  }
  const Binary add_relu{BinaryFn::kAdd, {UnaryFn::kRelu}};
  list.add("add_relu", add_relu, {f32_of({1, 16, 5, 5}), f32_of({1, 16, 5, 5})});
  list.add("add_scalar", Binary{BinaryFn::kAdd, {}}, {f32_of({3, 37}), f32_of({})});
  list.add("scalar_sub", Binary{BinaryFn::kSub, {}}, {f32_of({1}), f32_of({3, 37})});
  list.add("mul_outer", Binary{BinaryFn::kMul, {}}, {f32_of({1, 6, 1}), f32_of({4, 1, 9})});
  list.add("add_large", Binary{BinaryFn::kAdd, {}}, {f32_of({1, 16, 70, 70}), f32_of({16, 1, 1})});
  list.add("mul_rows", Binary{BinaryFn::kMul, {}}, {f32_of({2, 3, 4, 40}), f32_of({2, 1, 4, 1})});
  list.add("pow_int_exponent", Binary{BinaryFn::kPow, {}},
           {f32_of({3, 7}), of(DType::kI64, {7}, -2, 4)});
  list.add("pow_int_base", Binary{BinaryFn::kPow, {}},
           {of(DType::kI32, {3, 7}, -4, 5), f32_of({7}, 0, 3)});
}

void add_other_elementwise(List& list) {
  list.add("both", Clip{}, {f32_of({2, 5, 3, 7}), f32_of({}, -1, -0.5), f32_of({}, 0.5, 1)});
  list.add("low", Clip{}, {f32_of({2, 9}), with_values(DType::kF32, {1}, {-0.5})});
  list.add("high_i8", Clip{},
           {of(DType::kI8, {33}, -100, 100), missing(), with_values(DType::kI8, {}, {20})});
  list.add("none", Clip{}, {of(DType::kF16, {4, 4})});
  for (const double x : {-1.0, 0.0, 1.0}) {  // each operand may be overwritten
    list.add(x < 0   ? "one_below"
             : x > 0 ? "one_above"
                     : "one_within",
             Clip{},
             {with_values(DType::kF32, {1}, {x}), with_values(DType::kF32, {1}, {-0.5}),
              with_values(DType::kF32, {1}, {0.25})});
  }
  const SampleInput choice = of(DType::kBool, {2, 5, 3, 7}, 0, 2);
  list.add("same", Where{}, {choice, f32_of({2, 5, 3, 7}), f32_of({2, 5, 3, 7})});
  list.add(
      "broadcast", Where{},
      {of(DType::kBool, {5, 1}, 0, 2), of(DType::kI64, {7}, -9, 9), of(DType::kI64, {}, -9, 9)});
  list.add("u4", Where{},
           {of(DType::kBool, {3, 5}, 0, 2), of(DType::kU4, {3, 5}), of(DType::kU4, {3, 5})});
  for (int from = 0; from < kDTypeCount; ++from) {
    for (int to = 0; to < kDTypeCount; ++to) {
      const auto x = static_cast<DType>(from);
      const auto y = static_cast<DType>(to);
      if (x >= DType::kC64 || y >= DType::kC64) continue;
      list.add(std::string(dtype_name(x)) + "_to_" + std::string(dtype_name(y)), Cast{.to = y},
               {of(x, {3, 5, 2}, 0, 2)});
    }
  }
}

void add_copies(List& list) {
  for (const int64_t axis : {0, 1, 2, 3}) {
    Dims a{2, 6, 4, 5}, b = a, c = a;
    b[static_cast<int>(axis)] = 1;
    c[static_cast<int>(axis)] = 3;
    list.add("axis" + std::to_string(axis), Concat{axis}, {f32_of(a), f32_of(b), f32_of(c)});
  }
  list.add("u8", Concat{1}, {of(DType::kU8, {1, 32, 9, 9}, 0, 255), of(DType::kU8, {1, 16, 9, 9})});
  list.add("i4", Concat{0}, {of(DType::kI4, {3, 3}), of(DType::kI4, {2, 3})});
  list.add("one", Concat{0}, {of(DType::kI64, {3}, -9, 9)});
  list.add("channels", Split{1, {2, 1, 3}}, {f32_of({2, 6, 4, 5})});
  list.add("last", Split{1, {5, 4}}, {of(DType::kI8, {3, 9}, -9, 9)});
  list.add("u4", Split{0, {1, 2}}, {of(DType::kU4, {3, 2})});
  list.add("crop", Slice{{0, 1, 1, 2}, {2, 4, 2, 3}, {1, 1, 1, 1}}, {f32_of({2, 6, 4, 5})});
  list.add("steps", Slice{{1, 5, 0, 4}, {1, 3, 2, 3}, {1, -2, 2, -2}}, {f32_of({2, 6, 4, 5})});
  list.add("empty", Slice{{0, 0}, {2, 0}, {1, 1}}, {f32_of({2, 6})});
  list.add("u4", Slice{{1, 1}, {2, 3}, {1, 2}}, {of(DType::kU4, {3, 7})});
  list.add("swap", Transpose{{1, 0}}, {f32_of({37, 53})});
  list.add("nchw_to_nhwc", Transpose{{0, 2, 3, 1}}, {f32_of({2, 19, 6, 5})});
  list.add("nhwc_to_nchw", Transpose{{0, 3, 1, 2}}, {of(DType::kU8, {1, 6, 5, 19}, 0, 255)});
  list.add("outer", Transpose{{1, 0, 2}}, {of(DType::kF16, {4, 3, 9})});
  list.add("reverse_f64", Transpose{{3, 2, 1, 0}}, {of(DType::kF64, {2, 3, 4, 5})});
  list.add("i4", Transpose{{1, 0}}, {of(DType::kI4, {3, 5})});
  list.add("flatten", Reshape{{2, 60}}, {f32_of({2, 3, 4, 5})});
  list.add("pixels_to_one_axis", Reshape{{2, 3, 20}}, {f32_of({2, 3, 4, 5})});
  list.add("pixels_from_one_axis", Reshape{{1, 3, 4, 5}}, {f32_of({1, 3, 20})});
  list.add("i2", Reshape{{3, 5}}, {of(DType::kI2, {5, 3})});
  list.add("around_axis", Reshape{{6, 4, 1, 5}}, {f32_of({2, 3, 4, 5})});
  list.add("to_scalar", Reshape{{}}, {of(DType::kI64, {1, 1}, -9, 9)});
  list.add("rows", Expand{{4, 3, 5}}, {f32_of({3, 1})});
  list.add("full_rank", Expand{{2, 4, 3, 5}}, {f32_of({1, 4, 1, 5})});
  list.add("last", Tile{{1, 3}}, {f32_of({2, 5})});
  list.add("all", Tile{{2, 1, 2, 3}}, {of(DType::kU8, {1, 3, 4, 2}, 0, 255)});
  list.add("none", Tile{{0, 2}}, {f32_of({2, 5})});
  list.add("upper", Trilu{true, 1}, {f32_of({2, 5, 4})});
  list.add("lower", Trilu{false, -1}, {of(DType::kI64, {4, 7}, -9, 9)});
  list.add("far", Trilu{true, -9}, {of(DType::kU8, {2, 3, 4, 3}, 0, 255)});
  const auto lengths = [](std::vector<double> values) {
    const auto count = static_cast<int64_t>(values.size());
    return with_values(DType::kI64, {count}, std::move(values));
  };
  list.add("time_first", ReverseSequence{1, 0}, {f32_of({4, 3, 5}), lengths({0, 4, 3})});
  list.add("batch_first", ReverseSequence{0, 1},
           {of(DType::kF16, {3, 4, 2, 3}), lengths({1, 2, 4})});
  list.add("dcr", DepthToSpace{2, DepthToSpaceMode::kDepthColumnRow}, {f32_of({2, 12, 3, 4})});
  list.add("crd", DepthToSpace{3, DepthToSpaceMode::kColumnRowDepth}, {f32_of({1, 18, 2, 3})});
  list.add("block2", SpaceToDepth{2}, {f32_of({2, 3, 6, 4})});
  list.add("f32", Identity{}, {f32_of({2, 3, 4, 5})});
  list.add("c128", Identity{}, {of(DType::kC128, {3})});
  list.add("u2", Identity{}, {of(DType::kU2, {9})});
  list.add("f32", Copy{}, {f32_of({2, 19, 6, 5})});
  list.add("u4", Copy{}, {of(DType::kU4, {7})});
  list.add("nhwc", Reorder{Layout::kChannelsLast}, {f32_of({2, 19, 6, 5})});
  list.add("row_major", Reorder{Layout::kRowMajor}, {of(DType::kI8, {1, 5, 7}, -99, 99)});
  list.add("f32", Full{{2, 3, 4}}, {f32_of({1})});
  list.add("i64", Full{{5}}, {of(DType::kI64, {}, -9, 9)});
}

void add_gathers(List& list) {
  const auto indices = [](Dims dims, double extent) {
    return of(DType::kI64, dims, -extent, extent);
  };
  list.add("rows", Gather{0}, {f32_of({7, 12}), indices({2, 3}, 7)});
  list.add("columns", Gather{1}, {of(DType::kU8, {3, 9, 2}, 0, 255), indices({4}, 9)});
  list.add("scalar", Gather{2}, {f32_of({2, 3, 5}), indices({}, 5)});
  list.add("i32", Gather{0}, {of(DType::kF16, {7}), of(DType::kI32, {5}, 0, 7)});
  list.add("axis1", GatherElements{1}, {f32_of({3, 6, 4}), indices({3, 2, 4}, 6)});
  list.add("axis0", GatherElements{0}, {of(DType::kI8, {5, 3}, -9, 9), indices({2, 3}, 5)});
  list.add("pairs", GatherND{0}, {f32_of({3, 3, 4}), indices({5, 2}, 3)});
  list.add("batched", GatherND{1}, {f32_of({2, 5, 3}), indices({2, 4, 1}, 5)});
}

void add_scatters(List& list) {
  const auto indices = [](Dims dims, double extent) {
    return of(DType::kI64, dims, -extent, extent);
  };
  for (size_t i = 0; i < std::size(EnumNames<ScatterFn>::kNames); ++i) {
    const auto fn = static_cast<ScatterFn>(i);
    const std::string name(enum_name(fn));
    list.add(name, ScatterElements{1, fn},
             {f32_of({3, 6, 4}), indices({3, 5, 2}, 6), f32_of({3, 5, 2})});
    list.add(
        name + "_i8", ScatterElements{0, fn},
        {of(DType::kI8, {9}, -99, 99), of(DType::kI32, {7}, 0, 9), of(DType::kI8, {7}, -9, 9)});
    list.add(name, ScatterND{fn}, {f32_of({4, 3, 5}), indices({2, 3, 1}, 4), f32_of({2, 3, 3, 5})});
    list.add(name + "_f16", ScatterND{fn},
             {of(DType::kF16, {4, 3}), indices({5, 2}, 3), of(DType::kF16, {5})});
  }
  list.add("bool", ScatterElements{},
           {of(DType::kBool, {4, 3}, 0, 2), indices({2, 3}, 4), of(DType::kBool, {2, 3}, 0, 2)});
  list.add("empty", ScatterElements{}, {f32_of({4, 3}), indices({0, 3}, 4), f32_of({0, 3})});
  list.add("2d", ColToIm{{5, 6}, {2, 3}, {1, 2}, {2, 1}, {1, 0, 1, 2}}, {f32_of({2, 18, 15})});
  list.add("1d_i32", ColToIm{{9}, {3}, {2}, {1}, {0, 0}}, {of(DType::kI32, {1, 6, 4}, -9, 9)});
  list.add("last", OneHot{2, 5}, {indices({2, 3}, 7), f32_of({2})});
  list.add("first", OneHot{0, 3}, {f32_of({4}, -2, 3), of(DType::kU8, {2}, 0, 255)});
  list.add("i32", OneHot{1, 4},
           {with_values(DType::kI32, {2, 3}, {0, 3, -1, 4, -4, -5}), of(DType::kI64, {2}, -9, 9)});
}

void add_pads(List& list) {
  for (const PadMode mode :
       {PadMode::kConstant, PadMode::kReflect, PadMode::kEdge, PadMode::kWrap}) {
    const std::string name(enum_name(mode));
    list.add(name, Pad{mode, {0, 0, 1, 2, 0, 0, 3, 1}}, {f32_of({2, 5, 4, 6})});
    list.add(name + "_crop", Pad{mode, {0, -1, 2, -2, 0, 2, -1, 3}}, {f32_of({2, 5, 4, 6})});
    list.add(name + "_far", Pad{mode, {5, 7}}, {of(DType::kI32, {3}, -9, 9)});
    list.add(name + "_u8", Pad{mode, {0, 1, 1, 0, 1, 1}}, {of(DType::kU8, {3, 8, 8}, 0, 255)});
  }
  list.add("value", Pad{PadMode::kConstant, {1, 1, 1, 1}}, {f32_of({3, 4}), f32_of({}, 3, 4)});
}

void add_resizes(List& list) {
  const Dims image{1, 5, 4, 6};
  Resize op{.dims = {1, 5, 8, 9}, .scales = {1, 1, 2, 1.5}, .roi = {}};
  for (size_t mode = 0; mode < 3; ++mode) {
    for (size_t coords = 0; coords < std::size(EnumNames<ResizeCoords>::kNames); ++coords) {
      op.mode = static_cast<ResizeMode>(mode);
      op.coords = static_cast<ResizeCoords>(coords);
      op.roi.clear();
      if (op.coords == ResizeCoords::kTfCropAndResize) op.roi = {0, 0, 0.2, -0.1, 1, 1, 0.9, 0.8};
      list.add(std::string(enum_name(op.mode)) + "_" + std::string(enum_name(op.coords)), op,
               {f32_of(image)});
    }
  }
  const Resize twice{.dims = {1, 5, 8, 12}, .scales = {1, 1, 2, 2}, .roi = {}};
  for (size_t nearest = 0; nearest < 4; ++nearest) {
    Resize r = twice;
    r.nearest = static_cast<ResizeNearest>(nearest);
    list.add("nearest_" + std::string(enum_name(r.nearest)), r, {f32_of(image)});
  }
  Resize upsample = twice;
  upsample.coords = ResizeCoords::kAsymmetric;
  upsample.nearest = ResizeNearest::kFloor;
  for (const int64_t factor : {3, 4}) {
    Resize r{.dims = {1, 5, 4 * factor, 6}, .scales = {1, 1, double(factor), 1}, .roi = {}};
    const std::string by = "_by_" + std::to_string(factor);
    list.add("nearest" + by, r, {f32_of(image)});
    r.nearest = ResizeNearest::kCeil;
    list.add("nearest_ceil" + by, r, {f32_of(image)});
    r.mode = ResizeMode::kLinear;
    list.add("linear" + by, r, {f32_of(image)});
    r.coords = ResizeCoords::kAsymmetric;
    list.add("linear_asymmetric" + by, r, {f32_of(image)});
  }
  list.add("upsample_u8", upsample, {of(DType::kU8, image, 0, 255)});
  Resize down{.mode = ResizeMode::kLinear,
              .dims = {1, 5, 2, 3},
              .scales = {1, 1, 0.5, 0.5},
              .roi = {},
              .antialias = true};
  list.add("linear_antialias", down, {f32_of(image)});
  down.mode = ResizeMode::kCubic;
  down.exclude_outside = true;
  list.add("cubic_antialias", down, {f32_of(image)});
  Resize crop{.coords = ResizeCoords::kTfCropAndResize,
              .dims = {3, 3, 4, 4},
              .scales = {1, 1, 1, 1},
              .roi = {}};
  crop.extrapolation_value = 7;
  for (const size_t axis : {0, 1, 2, 3}) {
    crop.roi = {0, 0, 0, 0, 1, 1, 1, 1};
    crop.roi[axis] = -0.1;
    crop.roi[axis + 4] = 1.1;
    list.add("crop_axis" + std::to_string(axis), crop, {f32_of({3, 3, 4, 4})});
  }
  const Dims two{2, 3, 4, 5};
  list.add("more_images", Resize{.dims = {4, 3, 4, 5}, .scales = {2, 1, 1, 1}, .roi = {}},
           {f32_of(two)});
  list.add("fewer_images", Resize{.dims = {1, 3, 4, 5}, .scales = {0.5, 1, 1, 1}, .roi = {}},
           {f32_of(two)});
  list.add("more_channels", Resize{.dims = {2, 6, 4, 5}, .scales = {1, 2, 1, 1}, .roi = {}},
           {f32_of(two)});
  list.add("line", Resize{.dims = {1, 3, 8}, .scales = {1, 1, 2}, .roi = {}}, {f32_of({1, 3, 4})});
  list.add("volume", Resize{.dims = {1, 3, 4, 4, 4}, .scales = {1, 1, 2, 2, 2}, .roi = {}},
           {f32_of({1, 3, 2, 2, 2})});
  list.add("linear_f16",
           Resize{.mode = ResizeMode::kLinear, .dims = {3, 7}, .scales = {1, 1.75}, .roi = {}},
           {of(DType::kF16, {3, 4})});
}

void add_quantization(List& list) {
  const auto scale = [](Dims dims) { return f32_of(dims, 0.01, 0.1); };
  for (const DType to :
       {DType::kU8, DType::kI8, DType::kU16, DType::kI16, DType::kU4, DType::kI4, DType::kU2,
        DType::kI2, DType::kF8E4M3FN, DType::kF8E5M2, DType::kF4E2M1}) {
    const std::string name(dtype_name(to));
    const SampleInput quantized = of(to, {2, 6, 5}, 0, 100);
    list.add(name, QuantizeLinear{.to = to}, {f32_of({2, 6, 5}, -9, 9), scale({})});
    list.add(name, DequantizeLinear{}, {quantized, scale({})});
    list.add(name + "_axis", QuantizeLinear{.to = to, .axis = 1},
             {f32_of({2, 6, 5}, -9, 9), scale({6})});
    list.add(name + "_blocks", DequantizeLinear{.axis = 1, .block_size = 4},
             {quantized, scale({2, 2, 5})});
  }
  list.add("zero", QuantizeLinear{.to = DType::kU8},
           {f32_of({2, 5, 3, 7}, -9, 9), scale({}), with_values(DType::kU8, {}, {128})});
  list.add("axis_zero", QuantizeLinear{.to = DType::kI8, .axis = 1},
           {f32_of({2, 5, 3, 7}, -9, 9), scale({5}), of(DType::kI8, {5}, -9, 9)});
  list.add("blocks_f16", QuantizeLinear{.to = DType::kI8, .axis = 0, .block_size = 2},
           {of(DType::kF16, {5, 3}, -9, 9), of(DType::kF16, {3, 3}, 0.1, 0.2)});
  list.add("axis_zero", DequantizeLinear{.axis = 1},
           {of(DType::kU8, {2, 5, 3, 7}, 0, 255), scale({5}), of(DType::kU8, {5}, 0, 255)});
  list.add("bias", DequantizeLinear{.axis = 0}, {of(DType::kI32, {9}, -9999, 9999), scale({9})});
  list.add("f16", DequantizeLinear{.to = DType::kF16},
           {of(DType::kI8, {9}, -99, 99), of(DType::kF16, {}, 0.1, 0.2)});
  list.add("pairs", QuantizeLinear{.to = DType::kU8, .axis = 1},
           {f32_of({1, 3, 1, 2}, -9, 9), scale({3})});
  list.add("pairs", DequantizeLinear{.axis = 1},
           {of(DType::kU8, {1, 3, 1, 2}, 0, 255), scale({3})});
  list.add("f32", DynamicQuantizeLinear{}, {f32_of({2, 5, 3, 7}, -3, 9)});
  list.add("zeros", DynamicQuantizeLinear{}, {f32_of({4}, 0, 0)});
}

ConvWindow window(std::vector<int64_t> strides, std::vector<int64_t> pads, int64_t group = 1) {
  const size_t n = strides.size();
  return {std::move(strides), std::vector<int64_t>(n, 1), std::move(pads), group};
}

void add_contractions(List& list) {
  list.add("3x3", Conv{{window({1, 1}, {1, 1, 1, 1})}, {UnaryFn::kRelu}},
           {f32_of({1, 8, 9, 9}), f32_of({16, 8, 3, 3}), f32_of({16})});
  list.add("1x1", Conv{{window({1, 1}, {0, 0, 0, 0})}, {}},
           {f32_of({2, 8, 5, 5}), f32_of({12, 8, 1, 1}), missing(), f32_of({2, 12, 5, 5})});
  list.add("depthwise", Conv{{window({2, 2}, {1, 1, 1, 1}, 8)}, {}},
           {f32_of({1, 8, 9, 9}), f32_of({8, 1, 3, 3})});
  list.add("1d", Conv{{window({1}, {1, 0})}, {}}, {f32_of({1, 3, 9}), f32_of({4, 3, 2})});
  list.add("2d", ConvTranspose{{window({2, 2}, {0, 1, 0, 1})}, {0, 0}, {}},
           {f32_of({1, 4, 3, 3}), f32_of({4, 5, 3, 3}), f32_of({5})});
  list.add("batched", MatMul{}, {f32_of({2, 3, 4, 5}), f32_of({3, 5, 6})});
  list.add("many_rows", MatMul{}, {f32_of({2, 9, 5}), f32_of({2, 5, 7})});
  list.add("gemm", MatMul{.trans_b = true, .activation = {}},
           {f32_of({4, 9}), f32_of({7, 9}), f32_of({7})});
  // Windows that reach beyond the border by more than a band of rows, leave rows unread, or crop.
  Conv wide{{window({1, 1}, {6, 2, 5, 2}, 2)}, {}};
  wide.dilations = {2, 1};
  list.add("wide", wide, {f32_of({2, 4, 7, 6}), f32_of({6, 2, 5, 5}), f32_of({6})});
  list.add("strided", Conv{{window({3, 2}, {2, 0, 0, 1})}, {UnaryFn::kHardSwish}},
           {f32_of({1, 3, 13, 9}), f32_of({4, 3, 2, 3}), missing(), f32_of({1, 4, 5, 4})});
  list.add("crop", Conv{{window({1, 1}, {-1, 0, -2, 0})}, {}},
           {f32_of({1, 3, 10, 5}), f32_of({4, 3, 3, 3})});
  list.add("far_pads", Conv{{window({1, 1}, {5, 0, 6, 0})}, {}},
           {f32_of({1, 3, 2, 5}), f32_of({4, 3, 2, 2})});
  list.add("3d", Conv{{window({1, 2, 1}, {1, 0, 1, 1, 1, 0})}, {}},
           {f32_of({1, 2, 4, 5, 4}), f32_of({3, 2, 3, 2, 3})});
  // What it reads is as large as what it makes.
  list.add("same", Conv{{window({1, 1}, {1, 1, 1, 1})}, {}},
           {f32_of({4, 4, 3, 3}), f32_of({4, 4, 3, 3}), missing(), f32_of({4, 4, 3, 3})});
  // Long filters over one channel, and what is nearly that.
  const SampleInput signal = f32_of({1, 1, 80}), filter = f32_of({1, 1, 33});
  list.add("filter", Conv{{window({1}, {16, 16})}, {}}, {signal, filter, f32_of({1})});
  list.add("two_filters", Conv{{window({1}, {0, 0})}, {}}, {signal, f32_of({2, 1, 33})});
  list.add("no_filters", Conv{{window({1}, {0, 0})}, {}}, {signal, f32_of({0, 1, 33})});
  list.add("filter_of_rows", Conv{{window({1, 1}, {0, 8, 0, 8})}, {}},
           {f32_of({1, 1, 1, 80}), f32_of({1, 1, 1, 33})});
  list.add("filter_beside_rows", Conv{{window({1, 1}, {-1, 8, 1, 8})}, {}},
           {f32_of({1, 1, 1, 80}), f32_of({1, 1, 1, 33})});
  list.add("filter_of_images", Conv{{window({1, 1}, {0, 0, 0, 0})}, {}},
           {f32_of({1, 1, 40, 41}), f32_of({1, 1, 33, 34})});
  list.add("filter_of_one", Conv{{window({1}, {0, 0})}, {}},
           {f32_of({1, 1, 1}), f32_of({1, 1, 1})});
  // As much padding as is worth a copy, along one axis, of groups, and along two.
  list.add("padded_line", Conv{{window({2}, {20, 20})}, {}},
           {f32_of({1, 16, 40}), f32_of({16, 16, 24})});
  list.add("padded_groups", Conv{{window({1}, {20, 20}, 2)}, {}},
           {f32_of({1, 32, 40}), f32_of({32, 16, 24})});
  list.add("padded_image", Conv{{window({1, 1}, {10, 1, 10, 1})}, {}},
           {f32_of({1, 16, 12, 5}), f32_of({16, 16, 14, 3})});
  list.add("scalar_addend", MatMul{.beta = 1, .activation = {}},
           {f32_of({4, 9}), f32_of({9, 1}), f32_of({})});
  list.add("small_kernel", ConvTranspose{{window({3, 3}, {0, 0, 0, 0})}, {2, 0}, {}},
           {f32_of({1, 4, 4, 3}), f32_of({4, 3, 2, 2})});
  list.add("grouped", ConvTranspose{{window({2, 1}, {1, 1, 2, 0}, 2)}, {1, 0}, {UnaryFn::kRelu}},
           {f32_of({2, 4, 5, 3}), f32_of({4, 3, 5, 2}), f32_of({6})});
  list.add("vectors", MatMul{.trans_a = true, .beta = 0.5, .activation = {}},
           {f32_of({9, 4}), f32_of({9, 7}), f32_of({4, 1}), f32_of({4, 7})});
  list.add("residual", MatMul{},
           {f32_of({3, 2, 4, 5}), f32_of({2, 5, 6}), f32_of({2, 1, 6}), f32_of({3, 2, 4, 6})});
  const auto scale = [] { return f32_of({}, 0.01, 0.1); };
  const auto zero = [](DType type, double value) { return with_values(type, {}, {value}); };
  const SampleInput x = of(DType::kU8, {1, 4, 5, 5}, 0, 255);
  const SampleInput w = of(DType::kI8, {6, 4, 3, 3}, -99, 99);
  list.add("u8_i8", QLinearConv{{window({1, 1}, {1, 1, 1, 1})}},
           {x, scale(), zero(DType::kU8, 100), w, scale(), zero(DType::kI8, 0), f32_of({}, 1, 2),
            zero(DType::kU8, 120), of(DType::kI32, {6}, -999, 999)});
  list.add("columns", QLinearMatMul{},
           {of(DType::kU8, {4, 16}, 0, 99), scale(), zero(DType::kU8, 3),
            of(DType::kI8, {16, 16}, -99, 99), f32_of({1, 16}, 0.01, 0.1), zero(DType::kI8, 0),
            f32_of({}, 1, 2), zero(DType::kU8, 120)});
  list.add("rows", QLinearMatMul{},
           {of(DType::kU8, {4, 16}, 0, 99), f32_of({4, 1}, 0.01, 0.1), of(DType::kU8, {4, 1}, 0, 9),
            of(DType::kI8, {16, 16}, -99, 99), scale(), zero(DType::kI8, 0), f32_of({}, 1, 2),
            zero(DType::kU8, 120)});
  list.add("rows_zero", MatMulInteger{},
           {of(DType::kU8, {4, 16}, 0, 99), of(DType::kI8, {16, 16}, -99, 99),
            of(DType::kU8, {4, 1}, 0, 9)});
  list.add("batches", QLinearMatMul{},
           {of(DType::kU8, {2, 4, 16}, 0, 9), scale(), zero(DType::kU8, 3),
            of(DType::kI8, {2, 16, 16}, -9, 9), f32_of({2, 1, 16}, 0.01, 0.1), zero(DType::kI8, 0),
            f32_of({}, 1, 2), zero(DType::kU8, 120)});
  list.add("u8_i8", QLinearMatMul{},
           {of(DType::kU8, {4, 9}, 0, 255), scale(), zero(DType::kU8, 100),
            of(DType::kI8, {9, 5}, -99, 99), scale(), zero(DType::kI8, 3), f32_of({}, 1, 2),
            zero(DType::kU8, 120)});
  list.add("u8_i8", ConvInteger{{window({1, 1}, {1, 1, 1, 1})}}, {x, w, zero(DType::kU8, 100)});
  list.add("u8_i8", MatMulInteger{},
           {of(DType::kU8, {4, 9}, 0, 255), of(DType::kI8, {9, 5}, -99, 99), zero(DType::kU8, 99)});
}

void add_reductions(List& list) {
  const Pool pool{.kernel = {3, 2}, .strides = {2, 1}, .dilations = {1, 1}, .pads = {1, 0, 1, 0}};
  for (const PoolFn fn : {PoolFn::kMax, PoolFn::kAverage, PoolFn::kLp}) {
    Pool op = pool;
    op.fn = fn;
    list.add(std::string(enum_name(fn)), op, {f32_of({2, 5, 7, 6})});
  }
  for (const bool count : {false, true}) {
    for (const bool ceil : {false, true}) {
      Pool op = pool;
      op.fn = PoolFn::kAverage;
      op.count_include_pad = count;
      op.ceil_mode = ceil;
      op.strides = {2, 3};
      const std::string name = std::string(count ? "_padded" : "") + (ceil ? "_ceil" : "");
      list.add("average_strided" + name, op, {f32_of({1, 3, 8, 9})});
      op.kernel = {4, 3};
      op.strides = {1, 1};
      op.pads = {3, 1, 2, 1};
      list.add("average_dense" + name, op, {f32_of({1, 3, 6, 5})});
    }
  }
  Pool holes = pool;
  holes.dilations = {3, 2};
  holes.pads = {3, 1, 2, 1};
  holes.ceil_mode = true;
  list.add("max_dilated", holes, {f32_of({1, 3, 10, 9})});
  list.add("2x2", MaxUnpool{{1, 1, 4, 4}, {1, 1, 4, 4}},
           {f32_of({1, 1, 2, 2}), with_values(DType::kI64, {1, 1, 2, 2}, {0, 3, 9, 14})});
  const SampleInput x = f32_of({2, 5, 4, 3});
  list.add("2d", LayerNorm{.axis = 1}, {f32_of({3, 4, 5}), f32_of({5}), missing()});
  list.add("f32", BatchNorm{}, {x, f32_of({5}), f32_of({5}), f32_of({5}), f32_of({5}, 0.5, 2)});
  list.add("f32", InstanceNorm{}, {x, f32_of({5}), f32_of({5})});
  list.add("f32", Lrn{.window = 3}, {x});
  list.add("last", LayerNorm{.axis = 3}, {x, f32_of({3}), f32_of({3})});
  for (const SoftmaxFn fn : {SoftmaxFn::kSoftmax, SoftmaxFn::kLogSoftmax, SoftmaxFn::kHardmax}) {
    list.add(std::string(enum_name(fn)), Softmax{fn, 1}, {x});
  }
  for (size_t fn = 0; fn < std::size(EnumNames<ReduceFn>::kNames); ++fn) {
    const Reduce op{static_cast<ReduceFn>(fn), {2, 3}, fn % 2 == 0};
    list.add(std::string(enum_name(op.fn)), op, {f32_of({2, 5, 4, 3}, 0.5, 2)});
  }
  list.add("max", ArgReduce{.fn = ArgReduceFn::kMax, .axis = 1}, {x});
  list.add("min_last", ArgReduce{.fn = ArgReduceFn::kMin, .axis = 3, .keep_dims = false}, {x});
  for (const CumulateFn fn : {CumulateFn::kSum, CumulateFn::kProd}) {
    const std::string name(enum_name(fn));
    list.add(name, Cumulate{.fn = fn, .axis = 1}, {x});
    list.add(name + "_exclusive", Cumulate{.fn = fn, .axis = 3, .exclusive = true}, {x});
    list.add(name + "_reverse", Cumulate{.fn = fn, .axis = 0, .reverse = true},
             {of(DType::kI32, {7, 3}, -9, 9)});
    list.add(name + "_exclusive_reverse_f16",
             Cumulate{.fn = fn, .axis = 0, .exclusive = true, .reverse = true},
             {of(DType::kF16, {5, 70})});
  }
  list.add("largest", TopK{.k = 3, .axis = 1}, {x});
  list.add("smallest", TopK{.k = 2, .axis = 3, .largest = false}, {x});
}

HostTensor make_input(const SampleInput& input, uint32_t seed) {
  if (!input.values.empty()) return tensor_of(input.dtype, input.dims, input.values);
  const bool any_bits = dtype_bits(input.dtype) < 8 || input.dtype >= DType::kC64 ||
                        (is_float(input.dtype) && dtype_bits(input.dtype) == 8);
  if (!any_bits) return random_tensor(input.dtype, input.dims, input.low, input.high, seed);
  HostTensor tensor = make_tensor(input.dtype, input.dims);
  std::mt19937 generator(seed);
  for (std::byte& byte : tensor.bytes) byte = static_cast<std::byte>(generator() & 0xFF);
  return tensor;
}

}  // namespace

const std::vector<Sample>& all_samples() {
  static const std::vector<Sample> kSamples = [] {
    List list;
    add_unary(list);
    add_binary(list);
    add_other_elementwise(list);
    add_copies(list);
    add_gathers(list);
    add_scatters(list);
    add_pads(list);
    add_resizes(list);
    add_quantization(list);
    add_contractions(list);
    add_reductions(list);
    return list.take();
  }();
  return kSamples;
}

std::vector<std::optional<HostTensor>> make_inputs(const Sample& sample) {
  std::vector<std::optional<HostTensor>> tensors;
  uint32_t seed = 1;
  for (const SampleInput& input : sample.inputs) {
    tensors.emplace_back();
    if (input.present) tensors.back() = make_input(input, seed);
    ++seed;
  }
  return tensors;
}

std::vector<const HostTensor*> pointers_to(const std::vector<std::optional<HostTensor>>& inputs) {
  std::vector<const HostTensor*> pointers;
  pointers.reserve(inputs.size());
  for (const auto& input : inputs) pointers.push_back(input ? &*input : nullptr);
  return pointers;
}

}  // namespace memopt::testing
