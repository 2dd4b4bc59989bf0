// Plans written by hand, and the kernels that they call.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/kernels/kernel.h"
#include "runtime/plan/plan.h"
#include "runtime/plan/write.h"

namespace memopt {

// Kernels on f32 operands of any strides:
//   "test.add"      binary, in place over either input
//   "test.relu"     unary, in place
//   "test.copy"     unary identity, not in place
//   "test.scratch"  unary identity by way of 256 bytes of scratch
//   "test.parallel" unary identity, one chunk per outermost index
//   "test.wild"     unary identity that writes one element too many
//   "test.reads"    unary identity that reads one element too many and adds it to the last one
//   "test.lazy"     unary identity that leaves the last element unwritten
//   "test.stale"    unary identity that adds the first byte that it finds in its scratch
//   "test.fails"    unary, fails in run()
const KernelDef* test_kernel(std::string_view name);

// Builds a plan value by value; sizes and strides follow from what is given.
class TestPlanBuilder {
 public:
  TestPlanBuilder();
  uint32_t arena(const std::string& name, const Dims& dims, int64_t offset,
                 Layout layout = Layout::kRowMajor);
  uint32_t caller(const std::string& name, const Dims& dims);
  uint32_t constant(const std::string& name, const Dims& dims);
  // A state of this name that is `name` + "'" in the next run, behind all others; both values.
  std::pair<uint32_t, uint32_t> state(const std::string& name, const Dims& dims);
  uint32_t box(const std::string& name, uint32_t parent, const Dims& starts, const Dims& dims);
  uint32_t whole(const std::string& name, uint32_t parent, const Dims& dims);
  PlanInstruction& unary(const std::string& kernel, uint32_t input, uint32_t output);
  PlanInstruction& add(uint32_t a, uint32_t b, uint32_t output);

  Plan plan;

 private:
  uint32_t push(PlanValue value);
};

// Constant `value`, element i = i + 1.
Status counting_constants(const Plan& plan, uint32_t value, std::span<std::byte> destination);

// y = relu(x + w) + x, with x and y in the caller's memory:
//   a = x + w        at 0
//   b = relu(a)      in place
//   c = copy(b)      at 64, with scratch at 128
//   y = c + x
Plan small_plan();

// Channels-last: p = concat of add(x, x) and relu(x) along channels, written in place of it, then
// split again: y = left half + right half.
Plan concat_plan();

// h' = relu(h + x); y = h' + k; k' = copy(x), with x and y in the arena. h begins as the constant
// c.
Plan state_plan();

// A plan file in memory: these metadata and constants, with all digests right.
std::vector<std::byte> file_in_memory(std::span<const std::byte> metadata,
                                      std::span<const std::byte> constants);
// The same with zeros for constants.
std::vector<std::byte> file_in_memory(std::span<const std::byte> metadata, int64_t constants_bytes);

// A path for a temporary file of the running test: tests run side by side in processes of their
// own.
std::string temporary_path(const std::string& name);

// Writes `plan` with counting constants and returns the path.
std::string write_temporary(const Plan& plan, const std::string& name);

}  // namespace memopt
