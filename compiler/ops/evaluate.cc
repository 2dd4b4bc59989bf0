#include "compiler/ops/evaluate.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>

#include "runtime/base/checked.h"
#include "runtime/kernels/kernel.h"
#include "runtime/ops/op_def.h"

namespace memopt {
namespace {

// Chunks one after the other on the calling thread.
class Serial final : public Parallel {
 public:
  int threads() const override { return 1; }
  void run(int64_t chunks, void (*body)(void*, int64_t), void* context) override {
    for (int64_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk);
  }
};

struct AlignedDelete {
  void operator()(std::byte* data) const { operator delete(data, kAlignment); }
  static constexpr std::align_val_t kAlignment{kArenaAlignment};
};
using AlignedBytes = std::unique_ptr<std::byte, AlignedDelete>;

AlignedBytes allocate(int64_t bytes) {
  // At least one byte, so that the pointer of an empty tensor is not null (null means missing).
  const auto size = static_cast<size_t>(bytes > 0 ? bytes : 1);
  return AlignedBytes(static_cast<std::byte*>(operator new(size, AlignedDelete::kAlignment)));
}

// What an evaluation takes at most, its scratch aside: aligned copies of the operands, and every
// result twice, once as a constant. Work counts the elements too, for operators that say less.
struct Expense {
  int64_t temporary_bytes = 0;
  int64_t result_bytes = 0;
  int64_t operations = 0;
};

int64_t add(int64_t a, int64_t b) { return checked_add(a, b).value_or(INT64_MAX); }

Expense expense_of(const Op& op, std::span<const TensorType* const> inputs,
                   std::span<const TensorType* const> outputs) {
  Expense expense;
  for (const TensorType* input : inputs) {
    if (input == nullptr) continue;
    expense.temporary_bytes = add(expense.temporary_bytes, input->bytes());
    expense.operations = add(expense.operations, input->count());
  }
  std::vector<TensorType> results;
  for (const TensorType* output : outputs) {
    results.push_back(output != nullptr ? *output : TensorType{});
    if (output == nullptr) continue;
    expense.result_bytes = add(expense.result_bytes, output->bytes());
    expense.operations = add(expense.operations, output->count());
  }
  expense.temporary_bytes = add(expense.temporary_bytes, expense.result_bytes);
  const auto operations = op_def(op).operations;
  if (operations != nullptr && !results.empty() && outputs[0] != nullptr) {
    expense.operations = std::max(expense.operations, operations(op, inputs, results));
  }
  return expense;
}

Operand operand_of(const TensorType& type) {
  return {.present = true,
          .constant = false,
          .dtype = type.dtype,
          .layout = type.layout,
          .dims = type.dims,
          .strides = dense_strides(type.dims, type.layout),
          .data = nullptr};
}

Tensor tensor_of(const Operand& operand, std::byte* data) {
  return {.dtype = operand.dtype,
          .layout = operand.layout,
          .dims = operand.dims,
          .strides = operand.strides,
          .data = data};
}

}  // namespace

bool affords_evaluation(const Account& account, const Op& op,
                        std::span<const TensorType* const> inputs,
                        std::span<const TensorType* const> outputs) {
  const Expense expense = expense_of(op, inputs, outputs);
  return account.affords(add(expense.temporary_bytes, expense.result_bytes), expense.operations);
}

Result<std::vector<std::shared_ptr<const ConstantData>>> evaluate(
    const Op& op, std::span<const ConstantOperand> inputs,
    std::span<const TensorType* const> outputs, const std::shared_ptr<Account>& account) {
  const std::string name(op_label(op));
  const KernelDef* def = reference_kernel(op_kind(op));
  if (def == nullptr) return bad_input(name + ": no reference kernel");
  std::vector<const TensorType*> input_types;
  for (const ConstantOperand& input : inputs) input_types.push_back(input.type);
  const Expense expense = expense_of(op, input_types, outputs);
  const std::string what = "to compute " + name + " of constants";
  MEMOPT_RETURN_IF_ERROR(account->charge_work(expense.operations, what));
  MEMOPT_ASSIGN_OR_RETURN(const Reservation temporary,
                          Reservation::make(account, expense.temporary_bytes, what));

  std::vector<Operand> input_operands, output_operands;
  std::vector<Tensor> input_tensors, output_tensors;
  std::vector<AlignedBytes> storage;  // of everything: constants may lie at any alignment
  for (const ConstantOperand& input : inputs) {
    if (input.type == nullptr) {
      input_operands.emplace_back();
      input_tensors.emplace_back();
      continue;
    }
    Operand& operand = input_operands.emplace_back(operand_of(*input.type));
    storage.push_back(allocate(static_cast<int64_t>(input.bytes.size())));
    if (!input.bytes.empty()) {
      std::memcpy(storage.back().get(), input.bytes.data(), input.bytes.size());
    }
    operand.constant = true;
    operand.data = storage.back().get();
    input_tensors.push_back(tensor_of(operand, storage.back().get()));
  }
  for (const TensorType* type : outputs) {
    if (type == nullptr) {
      output_operands.emplace_back();
      output_tensors.emplace_back();
      continue;
    }
    const Operand& operand = output_operands.emplace_back(operand_of(*type));
    storage.push_back(allocate(type->bytes()));
    // Bits behind the last packed element are part of the bytes, so they must have a value.
    std::memset(storage.back().get(), 0, static_cast<size_t>(type->bytes()));
    output_tensors.push_back(tensor_of(operand, storage.back().get()));
  }

  const KernelRequest request{
      .op = &op, .inputs = input_operands, .outputs = output_operands, .target = {}};
  if (def->supports && !def->supports(request)) {
    return bad_input(name + ": the reference kernel does not serve these types");
  }
  int64_t scratch_bytes = 0;
  if (def->needs) {
    MEMOPT_ASSIGN_OR_RETURN(const KernelNeeds needs, def->needs(request));
    scratch_bytes = needs.scratch_bytes;
  }
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<Kernel> kernel, def->create(request));
  MEMOPT_ASSIGN_OR_RETURN(const Reservation scratch_reserved,
                          Reservation::make(account, scratch_bytes, what));
  const AlignedBytes scratch = allocate(scratch_bytes);
  Serial serial;
  MEMOPT_RETURN_IF_ERROR(kernel->run({.inputs = input_tensors,
                                      .outputs = output_tensors,
                                      .scratch = scratch.get(),
                                      .parallel = &serial}));

  std::vector<std::shared_ptr<const ConstantData>> results;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == nullptr) {
      results.push_back(nullptr);
      continue;
    }
    MEMOPT_ASSIGN_OR_RETURN(Reservation reserved,
                            reserve_constant(account, outputs[i]->bytes(), what));
    const auto* begin = output_tensors[i].as<const std::byte>();
    results.push_back(ConstantData::from_bytes(
        std::vector<std::byte>(begin, begin + outputs[i]->bytes()), std::move(reserved)));
  }
  return results;
}

}  // namespace memopt
