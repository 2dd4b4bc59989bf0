// oneDNN's objects as values, and the rules for calling it: one thread per call, memory that the
// caller owns, the instruction set of the plan. The C API, so that no exception crosses it.
#pragma once

#include <dnnl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "runtime/base/result.h"
#include "runtime/base/target.h"
#include "runtime/base/tensor.h"
#include "runtime/kernels/library_scope.h"
#include "runtime/ops/elementwise.h"

namespace memopt::onednn {

template <auto destroy>
struct Destroy {
  template <typename T>
  void operator()(T* object) const {
    destroy(object);
  }
};
using Attributes = std::unique_ptr<std::remove_pointer_t<dnnl_primitive_attr_t>,
                                   Destroy<dnnl_primitive_attr_destroy>>;
using PostOps =
    std::unique_ptr<std::remove_pointer_t<dnnl_post_ops_t>, Destroy<dnnl_post_ops_destroy>>;
using Memory = std::unique_ptr<std::remove_pointer_t<dnnl_memory_t>, Destroy<dnnl_memory_destroy>>;
using Stream = std::unique_ptr<std::remove_pointer_t<dnnl_stream_t>, Destroy<dnnl_stream_destroy>>;
// Shared by the pieces of one kernel that compute the same shape.
using PrimitiveDesc = std::shared_ptr<std::remove_pointer_t<dnnl_primitive_desc_t>>;
using Primitive = std::shared_ptr<std::remove_pointer_t<dnnl_primitive_t>>;
using MemoryDesc = dnnl_memory_desc_t;

// Every call into the library stands in one of these: marks the time as the library's and keeps it
// on the calling thread (memopt cuts the work itself).
class LibraryCall {
 public:
  LibraryCall();
  ~LibraryCall();
  LibraryCall(const LibraryCall&) = delete;
  LibraryCall& operator=(const LibraryCall&) = delete;

 private:
  LibraryScope scope_;
  int threads_;
};

// Restricts the library to the target's instruction set. The library keeps the first one for the
// life of the process: a second, different one is an error, as is one this processor lacks, and the
// portable one, which promises less than the library needs.
Status use_isa(Isa isa);

// The CPU engine, made on first use and never destroyed. Call use_isa first. Throws std::bad_alloc.
dnnl_engine_t engine();

// An error that names `what` unless the status is success.
Status check(dnnl_status_t status, const std::string& what);

std::optional<dnnl_data_type_t> data_type(DType type);

// A dense tensor: `dims` in `layout`; and one with explicit strides in elements.
Result<MemoryDesc> dense_desc(const Dims& dims, DType type, Layout layout);
Result<MemoryDesc> strided_desc(const Dims& dims, const Dims& strides, DType type);
// Left for the library to choose.
Result<MemoryDesc> any_desc(const Dims& dims, DType type);
int64_t desc_bytes(const MemoryDesc& desc);

// What a primitive does after its sum: multiplies by `scale`, adds what the destination holds (the
// residual), applies the activation. Scratch comes from the caller. An error if oneDNN has no such
// activation.
Result<Attributes> make_attributes(const Activation& activation, bool add_destination,
                                   float scale = 1);

// The library's first implementation of an operation that keeps memopt's promises: no `gemm` or
// `ref` code (they allocate, or crawl) and scratch of at most 1 MiB or a quarter of the operands.
// One whose name begins with `preferred` comes before the others.
Result<PrimitiveDesc> choose_implementation(const_dnnl_op_desc_t op, const Attributes& attributes,
                                            int64_t operand_bytes, std::string_view preferred = {});
// False for the implementations named above.
bool is_acceptable(const_dnnl_primitive_desc_t desc, int64_t operand_bytes);
Result<PrimitiveDesc> reorder_desc(const MemoryDesc& from, const MemoryDesc& to);

Result<Primitive> make_primitive(const PrimitiveDesc& desc);
Result<Stream> make_stream();
// A memory object without memory; its handle is set before each use.
Result<Memory> make_memory(const MemoryDesc& desc);

const MemoryDesc& weights_desc(const PrimitiveDesc& desc);
int64_t scratch_bytes(const PrimitiveDesc& desc);
std::string implementation_name(const_dnnl_primitive_desc_t desc);

}  // namespace memopt::onednn
