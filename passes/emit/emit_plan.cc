#include "passes/emit/emit_plan.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string_view>
#include <tuple>

#include "passes/planning/storage.h"
#include "runtime/base/checked.h"
#include "runtime/base/page_buffer.h"

namespace memopt {
namespace {

class Emitter {
 public:
  Emitter(const Graph& graph, const NodeMap<KernelChoice>& kernels, const PlannedBuffers& planned,
          const BufferOptions& options)
      : graph_(graph),
        kernels_(kernels),
        planned_(planned),
        assignment_(planned.assignment),
        options_(options),
        index_(graph, std::nullopt),
        state_offset_(graph, 0) {}

  EmittedPlan run() {
    Plan& plan = emitted_.plan;
    plan.model_name = graph_.name;
    plan.target = options_.target;
    plan.arena_alignment = kArenaAlignment;
    plan.arena_bytes = planned_.plan.spaces[0].height_bytes;
    place_states();
    for (const ValueId input : graph_.inputs()) {
      if (!graph_.is_state(input)) plan.inputs.push_back(value_index(input));
    }
    for (size_t step = 0; step < assignment_.steps.size(); ++step) add_instruction(step);
    for (size_t i = 0; i < graph_.outputs().size(); ++i) {
      const ValueId output = graph_.outputs()[i];
      if (graph_.is_state(output)) continue;
      plan.outputs.push_back(value_index(output));
      if (graph_.has_output_name(i)) plan.values[plan.outputs.back()].name = graph_.output_name(i);
    }
    add_states();
    plan.constants_bytes = constants_bytes_;
    plan.certificate = {.naive_bytes = assignment_.naive_bytes,
                        .lower_bound_bytes = planned_.plan.spaces[0].lower_bound_bytes,
                        .kind = planned_.bound_kind,
                        .method = planned_.plan.spaces[0].planner};
    return std::move(emitted_);
  }

 private:
  // Both values of a state lie in one place.
  void place_states() {
    int64_t& bytes = emitted_.plan.state_bytes;
    for (const State& state : graph_.states()) {
      state_offset_[state.before] = bytes;
      state_offset_[graph_.outputs()[state.output]] = bytes;
      bytes = align_up(bytes + graph_.type(state.before).bytes(), kArenaAlignment);
    }
  }

  void add_states() {
    for (const State& state : graph_.states()) {
      PlanState entry{.before = value_index(state.before),
                      .after = value_index(graph_.outputs()[state.output]),
                      .initial = std::nullopt};
      if (state.initial) entry.initial = initial_index(entry.before, state.initial);
      emitted_.plan.states.push_back(entry);
    }
  }

  uint32_t initial_index(uint32_t before, const std::shared_ptr<const ConstantData>& bytes) {
    PlanValue entry = emitted_.plan.values[before];
    entry.name += "@initial";
    entry.storage = Storage::kConstant;
    entry.offset_bytes = add_constant_bytes(entry.bytes);
    return append(std::move(entry), ConstantSource{.data = bytes, .packed_for = {}});
  }

  int64_t add_constant_bytes(int64_t bytes) {
    const int64_t offset = constants_bytes_;
    constants_bytes_ = align_up(constants_bytes_ + bytes, kConstantAlignment);
    return offset;
  }

  uint32_t append(PlanValue value, std::optional<ConstantSource> source) {
    emitted_.plan.values.push_back(std::move(value));
    emitted_.sources.push_back(std::move(source));
    return static_cast<uint32_t>(emitted_.plan.values.size() - 1);
  }

  uint32_t value_index(ValueId id) {
    if (index_[id]) return *index_[id];
    const Value& value = graph_.value(id);
    const PlaceInRoot& placement = assignment_.aliases.placement[id];
    PlanValue entry{.name = value.name,
                    .dtype = value.type.dtype,
                    .layout = value.type.layout,
                    .dims = value.type.dims,
                    .strides = placement.strides,
                    .storage = storage_of(graph_, options_.io_in_arena, placement.root),
                    .offset_bytes = placement.offset_bytes,
                    .bytes = *extent_bytes(value.type.dtype, value.type.dims, placement.strides),
                    .alias = std::nullopt};
    std::optional<ConstantSource> source;
    if (placement.parent) {
      const uint32_t parent = value_index(placement.parent);
      entry.alias =
          PlanAlias{.parent = parent, .whole = placement.whole, .starts = placement.starts};
    }
    if (entry.storage == Storage::kArena) {
      const auto buffer = assignment_.buffer[placement.root];
      if (buffer) entry.offset_bytes += planned_.plan.offsets[*buffer];
    } else if (entry.storage == Storage::kState) {
      entry.offset_bytes += state_offset_[placement.root];
    } else if (entry.storage == Storage::kConstant) {
      if (placement.parent) {
        entry.offset_bytes += emitted_.plan.values[*index_[placement.root]].offset_bytes;
      } else {
        entry.offset_bytes = add_constant_bytes(entry.bytes);
        source = ConstantSource{.data = value.data, .packed_for = {}};
      }
    }
    const uint32_t index = append(std::move(entry), source);
    index_[id] = index;
    return index;
  }

  uint32_t packed_index(NodeId id, const PackedOperand& packed) {
    const ValueId value = graph_.node(id).inputs[static_cast<size_t>(packed.input)];
    const Value& constant = graph_.value(value);
    // Nodes that pack a constant in the same order share its bytes (bands of one convolution).
    const auto [index, inserted] =
        packed_.try_emplace({value, kernels_[id].kernel->name, packed.order, packed.bytes});
    if (!inserted) return index->second;
    PlanValue entry{.name = constant.name + '@' + std::to_string(emitted_.plan.instructions.size()),
                    .dtype = constant.type.dtype,
                    .layout = Layout::kPacked,
                    .dims = constant.type.dims,
                    .strides = {},
                    .storage = Storage::kConstant,
                    .offset_bytes = add_constant_bytes(packed.bytes),
                    .bytes = packed.bytes,
                    .alias = std::nullopt};
    index->second =
        append(std::move(entry),
               ConstantSource{.data = constant.data, .packed_for = id, .input = packed.input});
    return index->second;
  }

  void add_instruction(size_t step) {
    const NodeId id = assignment_.steps[step];
    const Node& node = graph_.node(id);
    const KernelChoice& choice = kernels_[id];
    PlanInstruction instruction{.op = node.op,
                                .kernel = std::string(choice.kernel->name),
                                .inputs = {},
                                .outputs = {},
                                .scratch_offset_bytes = 0,
                                .scratch_bytes = choice.needs.scratch_bytes,
                                .name = node.name};
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!node.inputs[i]) {
        instruction.inputs.push_back(std::nullopt);
        continue;
      }
      const auto packed = std::find_if(
          choice.needs.packed.begin(), choice.needs.packed.end(),
          [i](const PackedOperand& operand) { return operand.input == static_cast<int>(i); });
      instruction.inputs.push_back(packed != choice.needs.packed.end()
                                       ? packed_index(id, *packed)
                                       : value_index(node.inputs[i]));
    }
    for (const ValueId output : node.outputs) {
      instruction.outputs.push_back(output ? std::optional(value_index(output)) : std::nullopt);
    }
    if (const auto scratch = assignment_.scratch[step]) {
      instruction.scratch_offset_bytes = planned_.plan.offsets[*scratch];
    }
    emitted_.plan.instructions.push_back(std::move(instruction));
  }

  const Graph& graph_;
  const NodeMap<KernelChoice>& kernels_;
  const PlannedBuffers& planned_;
  const BufferAssignment& assignment_;
  const BufferOptions& options_;
  ValueMap<std::optional<uint32_t>> index_;
  ValueMap<int64_t> state_offset_;  // of both values of each state
  std::map<std::tuple<ValueId, std::string_view, uint64_t, int64_t>, uint32_t> packed_;
  EmittedPlan emitted_;
  int64_t constants_bytes_ = 0;
};

}  // namespace

EmittedPlan emit_plan(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                      const PlannedBuffers& planned, const BufferOptions& options) {
  return Emitter(graph, kernels, planned, options).run();
}

ConstantWriter constant_writer(const Graph& graph, const NodeMap<KernelChoice>& kernels,
                               const Target& target, const EmittedPlan& emitted) {
  return [&graph, &kernels, target, &emitted](uint32_t value,
                                              std::span<std::byte> destination) -> Status {
    MEMOPT_CHECK(emitted.sources[value].has_value());
    const ConstantSource& source = *emitted.sources[value];
    const std::span<const std::byte> bytes = source.data->bytes();
    if (!source.packed_for) {
      MEMOPT_CHECK(bytes.size() == destination.size());
      if (!bytes.empty()) std::memcpy(destination.data(), bytes.data(), bytes.size());
      return {};
    }
    NodeOperands operands = node_operands(graph, source.packed_for);
    Operand& packed = operands.inputs[static_cast<size_t>(source.input)];
    PageBuffer aligned;
    if (packed.data == nullptr) {
      MEMOPT_ASSIGN_OR_RETURN(aligned, PageBuffer::allocate(static_cast<int64_t>(bytes.size())));
      std::memcpy(aligned.bytes().data(), bytes.data(), bytes.size());
      packed.data = aligned.bytes().data();
    }
    const KernelChoice& choice = kernels[source.packed_for];
    return choice.kernel->pack(operands.request(graph.node(source.packed_for).op, target),
                               source.input, destination);
  };
}

}  // namespace memopt
