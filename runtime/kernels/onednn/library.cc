#include "runtime/kernels/onednn/library.h"

#include <omp.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>

namespace memopt::onednn {
namespace {

dnnl_cpu_isa_t library_isa(Isa isa) {
  switch (isa) {
    case Isa::kPortable:
      break;
    case Isa::kAvx2:
      return dnnl_cpu_isa_avx2;
    case Isa::kAvx512:
      return dnnl_cpu_isa_avx512_core;
    case Isa::kAvx512Vnni:
      return dnnl_cpu_isa_avx512_core_vnni;
    case Isa::kAvx512Bf16:
      return dnnl_cpu_isa_avx512_core_bf16;
    case Isa::kAmx:
      return dnnl_cpu_isa_avx512_core_amx;
  }
  return dnnl_cpu_isa_sse41;
}

Status append_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t algorithm, double alpha = 0,
                      double beta = 0) {
  return check(dnnl_post_ops_append_eltwise(ops, 1.0f, algorithm, static_cast<float>(alpha),
                                            static_cast<float>(beta)),
               "element-wise post-operation");
}

Status append_activation(dnnl_post_ops_t ops, const Activation& activation) {
  const double alpha = activation.alpha;
  const double beta = activation.beta;
  switch (activation.fn) {
    case UnaryFn::kIdentity:
      return {};
    case UnaryFn::kAbs:
      return append_eltwise(ops, dnnl_eltwise_abs);
    case UnaryFn::kClip:
      return append_eltwise(ops, dnnl_eltwise_clip, alpha, beta);
    case UnaryFn::kElu:
      return append_eltwise(ops, dnnl_eltwise_elu, alpha);
    case UnaryFn::kExp:
      return append_eltwise(ops, dnnl_eltwise_exp);
    case UnaryFn::kGelu:
      return append_eltwise(ops, dnnl_eltwise_gelu_erf);
    case UnaryFn::kGeluTanh:
      return append_eltwise(ops, dnnl_eltwise_gelu_tanh);
    case UnaryFn::kHardSigmoid:
      MEMOPT_RETURN_IF_ERROR(append_eltwise(ops, dnnl_eltwise_linear, alpha, beta));
      return append_eltwise(ops, dnnl_eltwise_clip, 0, 1);
    case UnaryFn::kHardSwish:
      return append_eltwise(ops, dnnl_eltwise_hardswish);
    case UnaryFn::kLeakyRelu:
      return append_eltwise(ops, dnnl_eltwise_relu, alpha);
    case UnaryFn::kMish:
      return append_eltwise(ops, dnnl_eltwise_mish);
    case UnaryFn::kNeg:
      return append_eltwise(ops, dnnl_eltwise_linear, -1, 0);
    case UnaryFn::kRelu:
      return append_eltwise(ops, dnnl_eltwise_relu);
    case UnaryFn::kSigmoid:
      return append_eltwise(ops, dnnl_eltwise_logistic);
    case UnaryFn::kSoftplus:
      return append_eltwise(ops, dnnl_eltwise_soft_relu);
    case UnaryFn::kSqrt:
      return append_eltwise(ops, dnnl_eltwise_sqrt);
    case UnaryFn::kSwish:
      return append_eltwise(ops, dnnl_eltwise_swish, alpha);
    case UnaryFn::kTanh:
      return append_eltwise(ops, dnnl_eltwise_tanh);
    default:
      return internal_error("oneDNN has no such activation");
  }
}

dnnl_format_tag_t dense_tag(int rank, Layout layout) {
  constexpr dnnl_format_tag_t kRowMajor[] = {dnnl_a,    dnnl_ab,    dnnl_abc,
                                             dnnl_abcd, dnnl_abcde, dnnl_abcdef};
  constexpr dnnl_format_tag_t kChannelsLast[] = {dnnl_acb, dnnl_acdb, dnnl_acdeb};
  return layout == Layout::kChannelsLast ? kChannelsLast[rank - 3] : kRowMajor[rank - 1];
}

}  // namespace

LibraryCall::LibraryCall() : threads_(omp_get_max_threads()) { omp_set_num_threads(1); }
LibraryCall::~LibraryCall() { omp_set_num_threads(threads_); }

Status use_isa(Isa isa) {
  if (isa == Isa::kPortable) return internal_error("oneDNN does not serve portable plans");
  static std::mutex mutex;
  static std::optional<Isa> used;
  const std::scoped_lock lock(mutex);
  if (used == isa) return {};
  const std::string name = to_string(Target{isa, 1});
  if (used.has_value()) {
    return bad_input("oneDNN serves one instruction set per process, here " +
                     to_string(Target{*used, 1}) + ", not " + name);
  }
  if (isa > host_isa()) {
    return bad_input("this processor lacks the instruction set " + name +
                     "; recompile for this machine");
  }
  LibraryCall call;
  // Settled once, it refuses to be told again, also where memory ran out behind that.
  const dnnl_cpu_isa_t wanted = library_isa(isa);
  if (const dnnl_status_t status = dnnl_set_max_cpu_isa(wanted);
      status != dnnl_success && dnnl_get_effective_cpu_isa() != wanted) {
    return check(status, "instruction set " + name);
  }
  // Programs keep their primitives (program.h).
  MEMOPT_RETURN_IF_ERROR(check(dnnl_set_primitive_cache_capacity(0), "primitive cache"));
  used = isa;
  return {};
}

dnnl_engine_t engine() {
  static const dnnl_engine_t kEngine = [] {
    dnnl_engine_t made = nullptr;
    const dnnl_status_t status = dnnl_engine_create(&made, dnnl_cpu, 0);
    if (status == dnnl_out_of_memory) throw std::bad_alloc();  // the next call tries again
    MEMOPT_CHECK(status == dnnl_success);
    return made;
  }();
  return kEngine;
}

Status check(dnnl_status_t status, const std::string& what) {
  if (status == dnnl_success) return {};
  if (status == dnnl_out_of_memory) {
    return Error{Code::kOutOfResource, "oneDNN: out of memory: " + what};
  }
  return internal_error("oneDNN: " + what + ": status " + std::to_string(status));
}

std::optional<dnnl_data_type_t> data_type(DType type) {
  switch (type) {
    case DType::kF32:
      return dnnl_f32;
    case DType::kI32:
      return dnnl_s32;
    case DType::kI8:
      return dnnl_s8;
    case DType::kU8:
      return dnnl_u8;
    default:
      return std::nullopt;
  }
}

Result<MemoryDesc> dense_desc(const Dims& dims, DType type, Layout layout) {
  const auto element = data_type(type);
  const int rank = dims.rank();
  const bool valid =
      layout == Layout::kChannelsLast ? rank >= 3 && rank <= 5 : rank >= 1 && rank <= 6;
  if (!element || !valid) return internal_error("oneDNN has no such tensor");
  MemoryDesc desc;
  MEMOPT_RETURN_IF_ERROR(check(
      dnnl_memory_desc_init_by_tag(&desc, rank, dims.begin(), *element, dense_tag(rank, layout)),
      "tensor"));
  return desc;
}

Result<MemoryDesc> strided_desc(const Dims& dims, const Dims& strides, DType type) {
  const auto element = data_type(type);
  if (!element) return internal_error("oneDNN has no such tensor");
  MemoryDesc desc;
  MEMOPT_RETURN_IF_ERROR(check(
      dnnl_memory_desc_init_by_strides(&desc, dims.rank(), dims.begin(), *element, strides.begin()),
      "tensor"));
  return desc;
}

Result<MemoryDesc> any_desc(const Dims& dims, DType type) {
  const auto element = data_type(type);
  if (!element) return internal_error("oneDNN has no such tensor");
  MemoryDesc desc;
  MEMOPT_RETURN_IF_ERROR(check(
      dnnl_memory_desc_init_by_tag(&desc, dims.rank(), dims.begin(), *element, dnnl_format_tag_any),
      "tensor"));
  return desc;
}

int64_t desc_bytes(const MemoryDesc& desc) {
  return static_cast<int64_t>(dnnl_memory_desc_get_size(&desc));
}

Result<Attributes> make_attributes(const Activation& activation, bool add_destination,
                                   float scale) {
  dnnl_primitive_attr_t made = nullptr;
  MEMOPT_RETURN_IF_ERROR(check(dnnl_primitive_attr_create(&made), "attributes"));
  Attributes attributes(made);
  MEMOPT_RETURN_IF_ERROR(
      check(dnnl_primitive_attr_set_scratchpad_mode(made, dnnl_scratchpad_mode_user), "scratch"));
  dnnl_post_ops_t made_ops = nullptr;
  MEMOPT_RETURN_IF_ERROR(check(dnnl_post_ops_create(&made_ops), "post-operations"));
  const PostOps ops(made_ops);
  if (scale != 1) MEMOPT_RETURN_IF_ERROR(append_eltwise(made_ops, dnnl_eltwise_linear, scale));
  if (add_destination) {
    MEMOPT_RETURN_IF_ERROR(check(dnnl_post_ops_append_sum(made_ops, 1.0f), "sum"));
  }
  MEMOPT_RETURN_IF_ERROR(append_activation(made_ops, activation));
  MEMOPT_RETURN_IF_ERROR(
      check(dnnl_primitive_attr_set_post_ops(made, made_ops), "post-operations"));
  return attributes;
}

bool is_acceptable(const_dnnl_primitive_desc_t desc, int64_t operand_bytes) {
  const std::string name = implementation_name(desc);
  for (const char* banned : {"gemm:", "igemm", "ref", "any", "simple"}) {
    const size_t at = name.find(banned);
    // "brgemm" is one of the good ones.
    if (at != std::string::npos && !(at > 0 && name[at - 1] == 'r')) return false;
  }
  const MemoryDesc* scratch = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
  constexpr int64_t kMiB = int64_t{1} << 20;
  return desc_bytes(*scratch) <= std::max(kMiB, operand_bytes / 4);
}

Result<PrimitiveDesc> choose_implementation(const_dnnl_op_desc_t op, const Attributes& attributes,
                                            int64_t operand_bytes, std::string_view preferred) {
  using Iterator = std::unique_ptr<std::remove_pointer_t<dnnl_primitive_desc_iterator_t>,
                                   Destroy<dnnl_primitive_desc_iterator_destroy>>;
  dnnl_primitive_desc_iterator_t made = nullptr;
  MEMOPT_RETURN_IF_ERROR(
      check(dnnl_primitive_desc_iterator_create(&made, op, attributes.get(), engine(), nullptr),
            "no implementation"));
  // The iterator reads *op whenever it advances: the caller's stays alive until we return.
  const Iterator iterator(made);
  PrimitiveDesc first;
  dnnl_status_t next = dnnl_success;
  do {
    const dnnl_primitive_desc_t found = dnnl_primitive_desc_iterator_fetch(made);
    if (found == nullptr) return check(dnnl_out_of_memory, "implementation").error();
    PrimitiveDesc desc(found, dnnl_primitive_desc_destroy);
    if (!is_acceptable(found, operand_bytes)) continue;
    if (implementation_name(found).starts_with(preferred)) return desc;
    if (!first) first = std::move(desc);
  } while ((next = dnnl_primitive_desc_iterator_next(made)) == dnnl_success);
  if (next == dnnl_out_of_memory) return check(next, "implementation").error();
  if (first) return first;
  return internal_error("oneDNN has only slow or allocating implementations");
}

Result<PrimitiveDesc> reorder_desc(const MemoryDesc& from, const MemoryDesc& to) {
  MEMOPT_ASSIGN_OR_RETURN(const Attributes attributes, make_attributes({}, false));
  dnnl_primitive_desc_t made = nullptr;
  MEMOPT_RETURN_IF_ERROR(check(
      dnnl_reorder_primitive_desc_create(&made, &from, engine(), &to, engine(), attributes.get()),
      "reorder"));
  return PrimitiveDesc(made, dnnl_primitive_desc_destroy);
}

Result<Primitive> make_primitive(const PrimitiveDesc& desc) {
  dnnl_primitive_t made = nullptr;
  MEMOPT_RETURN_IF_ERROR(check(dnnl_primitive_create(&made, desc.get()), "primitive"));
  return Primitive(made, dnnl_primitive_destroy);
}

Result<Stream> make_stream() {
  dnnl_stream_t made = nullptr;
  MEMOPT_RETURN_IF_ERROR(
      check(dnnl_stream_create(&made, engine(), dnnl_stream_default_flags), "stream"));
  return Stream(made);
}

Result<Memory> make_memory(const MemoryDesc& desc) {
  dnnl_memory_t made = nullptr;
  MEMOPT_RETURN_IF_ERROR(
      check(dnnl_memory_create(&made, &desc, engine(), DNNL_MEMORY_NONE), "memory"));
  return Memory(made);
}

const MemoryDesc& weights_desc(const PrimitiveDesc& desc) {
  return *dnnl_primitive_desc_query_md(desc.get(), dnnl_query_weights_md, 0);
}

int64_t scratch_bytes(const PrimitiveDesc& desc) {
  return desc_bytes(*dnnl_primitive_desc_query_md(desc.get(), dnnl_query_scratchpad_md, 0));
}

std::string implementation_name(const_dnnl_primitive_desc_t desc) {
  const char* name = nullptr;
  dnnl_primitive_desc_query(desc, dnnl_query_impl_info_str, 0, &name);
  return name == nullptr ? "" : name;
}

}  // namespace memopt::onednn
