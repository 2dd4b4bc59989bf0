#include "tests/support/fenced_kernels.h"

#include <array>
#include <utility>
#include <vector>

#include "runtime/plan/plan.h"

#if defined(__SANITIZE_ADDRESS__)
#define MEMOPT_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMOPT_HAS_ASAN 1
#endif
#endif
#ifdef MEMOPT_HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) ((void)(address), (void)(bytes))
#endif

namespace memopt {
namespace {

std::array<std::span<const std::byte>, 2> fenced;

void close_fence() {
  for (const auto memory : fenced) ASAN_POISON_MEMORY_REGION(memory.data(), memory.size());
}

void open_fence() {
  for (const auto memory : fenced) ASAN_UNPOISON_MEMORY_REGION(memory.data(), memory.size());
}

class FencedKernel final : public Kernel {
 public:
  FencedKernel(std::unique_ptr<Kernel> kernel, KernelNeeds needs)
      : kernel_(std::move(kernel)), needs_(std::move(needs)) {}

  Status run(const RunContext& context) override {
    close_fence();
    for (const Tensor& input : context.inputs) admit(input);
    for (const Tensor& output : context.outputs) admit(output);
    for (const PackedOperand& packed : needs_.packed) {
      const Tensor& input = context.inputs[static_cast<size_t>(packed.input)];
      ASAN_UNPOISON_MEMORY_REGION(input.data, static_cast<size_t>(packed.bytes));
    }
    ASAN_UNPOISON_MEMORY_REGION(context.scratch, static_cast<size_t>(needs_.scratch_bytes));
    Status status = kernel_->run(context);
    open_fence();
    return status;
  }

 private:
  static void admit(const Tensor& tensor) {
    if (!tensor.data || tensor.layout == Layout::kPacked) return;
    const auto bytes = extent_bytes(tensor.dtype, tensor.dims, tensor.strides);
    ASAN_UNPOISON_MEMORY_REGION(tensor.data, static_cast<size_t>(bytes.value_or(0)));
  }

  const std::unique_ptr<Kernel> kernel_;
  const KernelNeeds needs_;
};

const std::vector<const KernelDef*>& all_kernels() {
  static const std::vector<const KernelDef*> kAll = [] {
    std::vector<const KernelDef*> all;
    for (OpKind kind = 0; kind < kOpCount; ++kind) {
      const auto kernels = kernels_for(kind);
      all.insert(all.end(), kernels.begin(), kernels.end());
    }
    return all;
  }();
  return kAll;
}

Result<std::unique_ptr<Kernel>> create_fenced(const KernelDef& def, const KernelRequest& request) {
  KernelNeeds needs;
  if (def.needs) {
    MEMOPT_ASSIGN_OR_RETURN(needs, def.needs(request));
  }
  MEMOPT_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, def.create(request));
  return std::unique_ptr<Kernel>(new FencedKernel(std::move(kernel), std::move(needs)));
}

// KernelDef::create is a plain function, so each kernel has one of its own.
constexpr size_t kMostKernels = 256;
using Create = decltype(KernelDef::create);
template <size_t kIndex>
Result<std::unique_ptr<Kernel>> create_at(const KernelRequest& request) {
  return create_fenced(*all_kernels()[kIndex], request);
}
template <size_t... kIndex>
constexpr std::array<Create, sizeof...(kIndex)> creators(std::index_sequence<kIndex...>) {
  return {create_at<kIndex>...};
}

std::vector<KernelDef> make_table() {
  constexpr auto kCreators = creators(std::make_index_sequence<kMostKernels>());
  MEMOPT_CHECK(all_kernels().size() <= kMostKernels);
  std::vector<KernelDef> table;
  for (const KernelDef* const kernel : all_kernels()) {
    const Create create = kCreators[table.size()];
    table.push_back(*kernel);
    table.back().create = create;
  }
  return table;
}

}  // namespace

FencedMemory::FencedMemory(std::span<const std::byte> arena, std::span<const std::byte> constants) {
  fenced = {arena, constants};
}

FencedMemory::~FencedMemory() { fenced = {}; }

const KernelDef* fenced_kernel(std::string_view name) {
  static const std::vector<KernelDef> kTable = make_table();
  for (const KernelDef& kernel : kTable) {
    if (kernel.name == name) return &kernel;
  }
  return nullptr;
}

}  // namespace memopt
