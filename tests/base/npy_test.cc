#include "runtime/base/npy.h"

#include <gtest/gtest.h>

#include "runtime/base/file.h"

namespace memopt {
namespace {

// Tests run side by side in processes of their own.
std::string temporary() {
  return testing::TempDir() + "memopt_" +
         testing::UnitTest::GetInstance()->current_test_info()->name() + ".npy";
}

std::string npy(const std::string& header, const std::string& data) {
  std::string file = "\x93NUMPY";
  file += {'\x01', '\x00', static_cast<char>(header.size()), '\x00'};
  return file + header + data;
}

Result<TensorData> read_text(const std::string& content) {
  EXPECT_TRUE(write_file(temporary(), content).ok());
  return read_npy(temporary());
}

TEST(Npy, RoundTrip) {
  for (const Dims& dims : {Dims{}, Dims{3}, Dims{0, 2}, Dims{2, 3, 1}}) {
    for (const DType dtype : {DType::kF32, DType::kI64, DType::kBool, DType::kC128}) {
      TensorData tensor{.type = {.dtype = dtype, .dims = dims}, .bytes = {}, .name = ""};
      tensor.bytes.resize(static_cast<size_t>(tensor.type.bytes()), std::byte{1});
      ASSERT_TRUE(write_npy(tensor, temporary()).ok());
      auto read = read_npy(temporary());
      ASSERT_TRUE(read.ok()) << read.error().message;
      EXPECT_EQ(read->type, tensor.type);
      EXPECT_EQ(read->bytes, tensor.bytes);
    }
  }
}

TEST(Npy, ReadsWhatNumpyWrites) {
  auto read = read_text(npy("{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n",
                            std::string("\1\0\2\0", 4)));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->type.dims, (Dims{2}));
}

TEST(Npy, MalformedFilesAreRejected) {
  const std::string good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }";
  ASSERT_TRUE(read_text(npy(good, "ab")).ok());
  const std::vector<std::string> bad = {
      "",
      "\x93NUMPY",
      npy(good, "a"),
      npy(good, "abc"),
      npy("{'descr': '|u1', 'fortran_order': True, 'shape': (1,2), }", "ab"),
      npy("{'descr': '>i2', 'fortran_order': False, 'shape': (1,), }", "ab"),
      npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "ab"),
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,), }", "ab"),
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296,4294967296), }", ""),
      npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2), }", "ab"),
      npy("{'descr': '|u1', 'shape': (2,), }", "ab"),
      npy("{'descr': '|u1", "ab"),
      npy("{", ""),
  };
  for (const std::string& content : bad) EXPECT_FALSE(read_text(content).ok()) << content;
}

TEST(Npy, EveryTruncationIsRejected) {
  const std::string file = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", "ab");
  for (size_t length = 0; length < file.size(); ++length) {
    EXPECT_FALSE(read_text(file.substr(0, length)).ok()) << length;
  }
}

}  // namespace
}  // namespace memopt
