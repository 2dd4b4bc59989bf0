#include "tools/certificate/find_flow.h"

#include <algorithm>

#include "tools/certificate/check.h"
#include "tools/certificate/max_flow.h"

namespace memopt::certificate {
namespace {

// A flow from a step, or from the start or to the end (-1).
struct Portion {
  int32_t step;
  int64_t bytes;
};

// The network of one case: a node per step, two per storage (begun, over), source and sink.
class CaseNetwork {
 public:
  CaseNetwork(const Plan& plan, const Problem& problem, int32_t step, const Overwrite* overwrite)
      : plan_(plan),
        problem_(problem),
        step_(step),
        source_(problem.step_count() + 2 * static_cast<int32_t>(problem.storages.size())),
        flow_(source_ + 2) {
    std::vector<uint8_t> has_run = ancestors_of(problem, step);
    std::vector<uint8_t> has_not = descendants_of(problem, step);
    has_not[static_cast<size_t>(step)] = 1;
    if (overwrite) {
      for (const int32_t other : storage_at(overwrite->operand).steps) {
        if (other == step) continue;
        const std::vector<uint8_t> earlier = ancestors_of(problem, other);
        for (size_t i = 0; i < earlier.size(); ++i) has_run[i] |= earlier[i];
        has_run[static_cast<size_t>(other)] = 1;
      }
    }
    for (int32_t other = 0; other < problem.step_count(); ++other) {
      if (has_run[static_cast<size_t>(other)]) flow_.add(source_, other, MaxFlow::kUnlimited);
      if (has_not[static_cast<size_t>(other)]) flow_.add(other, sink(), MaxFlow::kUnlimited);
      if (has_run[static_cast<size_t>(other)] || has_not[static_cast<size_t>(other)]) continue;
      for (const int32_t earlier : problem.steps[static_cast<size_t>(other)].before) {
        if (has_run[static_cast<size_t>(earlier)]) continue;
        waits_.push_back({other, earlier, flow_.add(other, earlier, MaxFlow::kUnlimited)});
      }
    }
    for (int32_t i = 0; i < static_cast<int32_t>(problem.storages.size()); ++i) {
      add_storage(i, has_run, has_not);
    }
  }

  int64_t solve(int64_t* work) { return flow_.run(source_, sink(), work); }

  std::vector<FlowArc> arcs() const {
    std::vector<FlowArc> result;
    for (const Wait& wait : waits_) {
      if (const int64_t bytes = flow_.flow_over(wait.arc); bytes > 0) {
        result.push_back({"", name_step(wait.from, plan_), name_step(wait.to, plan_), bytes});
      }
    }
    for (const StorageArcs& storage : storages_) add_arcs(storage, result);
    return result;
  }

 private:
  struct Wait {
    int32_t from, to, arc;
  };
  struct StorageArcs {
    int32_t storage = 0;
    std::vector<std::pair<int32_t, int32_t>> in, out;  // step (-1: start, end), arc
  };

  int32_t sink() const { return source_ + 1; }
  const ArenaStorage& storage_at(int32_t storage) const {
    return problem_.storages[static_cast<size_t>(storage)];
  }

  void add_storage(int32_t index, const std::vector<uint8_t>& has_run,
                   const std::vector<uint8_t>& has_not) {
    const ArenaStorage& storage = storage_at(index);
    if (storage.bytes == 0 || storage.is_idle_input() ||
        std::binary_search(storage.steps.begin(), storage.steps.end(), step_))
      return;
    const int32_t begun = problem_.step_count() + 2 * index, over = begun + 1;
    StorageArcs arcs{.storage = index, .in = {}, .out = {}};
    flow_.add(begun, over, storage.bytes);
    if (storage.at_start) {
      arcs.in.emplace_back(-1, flow_.add(source_, begun, MaxFlow::kUnlimited));
    }
    if (storage.at_end) arcs.out.emplace_back(-1, flow_.add(over, sink(), MaxFlow::kUnlimited));
    for (const int32_t other : storage.steps) {
      if (!has_not[static_cast<size_t>(other)]) {
        arcs.in.emplace_back(other, flow_.add(other, begun, MaxFlow::kUnlimited));
      }
      if (!has_run[static_cast<size_t>(other)]) {
        arcs.out.emplace_back(other, flow_.add(over, other, MaxFlow::kUnlimited));
      }
    }
    storages_.push_back(std::move(arcs));
  }

  std::vector<Portion> portions(const std::vector<std::pair<int32_t, int32_t>>& arcs) const {
    std::vector<Portion> result;
    for (const auto& [step, arc] : arcs) {
      if (const int64_t bytes = flow_.flow_over(arc); bytes > 0) result.push_back({step, bytes});
    }
    return result;
  }

  // Pairs what flows into a storage with what flows out; any pairing is right. What returns to the
  // step that it comes from proves nothing, and is left out.
  void add_arcs(const StorageArcs& storage, std::vector<FlowArc>& result) const {
    std::vector<Portion> in = portions(storage.in), out = portions(storage.out);
    for (Portion& from : in) {
      for (Portion& to : out) {
        if (from.step != to.step || from.step < 0) continue;
        const int64_t bytes = std::min(from.bytes, to.bytes);
        from.bytes -= bytes;
        to.bytes -= bytes;
      }
    }
    const std::string& name = plan_.values[storage_at(storage.storage).value].name;
    const auto step = [&](int32_t at) {
      return at < 0 ? std::nullopt : std::optional(name_step(at, plan_));
    };
    for (Portion& from : in) {
      for (Portion& to : out) {
        const int64_t bytes = std::min(from.bytes, to.bytes);
        if (bytes == 0) continue;
        result.push_back({name, step(from.step), step(to.step), bytes});
        from.bytes -= bytes;
        to.bytes -= bytes;
      }
    }
  }

  const Plan& plan_;
  const Problem& problem_;
  const int32_t step_, source_;
  MaxFlow flow_;
  std::vector<Wait> waits_;
  std::vector<StorageArcs> storages_;
};

}  // namespace

FoundFlow find_flow(const Plan& plan, const Problem& problem, int32_t step, int64_t wanted_bytes,
                    int64_t* work) {
  const StepDemand demand = demand_of(problem, step);
  const Step& at = problem.steps[static_cast<size_t>(step)];
  int64_t touched_bytes = problem.always_bytes + at.scratch_bytes;
  for (const int32_t storage : at.storages) {
    touched_bytes += problem.storages[static_cast<size_t>(storage)].bytes;
  }
  const auto solve = [&](Overwriting overwriting, const Overwrite* pair, int64_t saved_bytes) {
    CaseNetwork network(plan, problem, step, pair);
    FlowCase one{.overwriting = overwriting, .operand = {}, .arcs = {}, .bytes = 0};
    if (pair) {
      const uint32_t value = problem.storages[static_cast<size_t>(pair->operand)].value;
      one.operand = plan.values[value].name;
    }
    one.bytes = touched_bytes - saved_bytes + network.solve(work);
    one.arcs = network.arcs();
    return one;
  };
  FoundFlow found;
  found.witness = {.step = name_step(step, plan),
                   .values = name_storages(at.storages, plan, problem),
                   .scratch_bytes = at.scratch_bytes,
                   .cases = {solve(Overwriting::kAny, nullptr, demand.saved_bytes)}};
  found.bytes = found.witness.cases[0].bytes;
  const bool one_result =
      std::all_of(demand.possible.begin(), demand.possible.end(),
                  [&](const Overwrite& pair) { return pair.result == demand.possible[0].result; });
  if (found.bytes >= wanted_bytes || demand.possible.empty() || !one_result || *work <= 0) {
    return found;
  }
  std::vector<FlowCase> cases = {solve(Overwriting::kNothing, nullptr, 0)};
  for (const Overwrite& pair : demand.possible) {
    cases.push_back(solve(Overwriting::kOperand, &pair, pair.bytes));
  }
  const auto least = std::min_element(
      cases.begin(), cases.end(), [](const auto& a, const auto& b) { return a.bytes < b.bytes; });
  if (least->bytes > found.bytes) {
    found.bytes = least->bytes;
    found.witness.cases = std::move(cases);
  }
  return found;
}

}  // namespace memopt::certificate
