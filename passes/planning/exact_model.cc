#include "passes/planning/exact_model.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace memopt {
namespace {

// Jobs of one size, alignment and set of cliques are interchangeable, unless their offset is fixed.
void find_interchangeable(ExactModel& model) {
  using Signature = std::tuple<std::vector<uint32_t>, int64_t, int64_t>;
  std::map<Signature, uint32_t> newest;
  for (uint32_t j = 0; j < model.jobs.size(); ++j) {
    ExactModel::Job& job = model.jobs[j];
    if (job.fixed_offset) continue;
    const auto [at, is_first] =
        newest.try_emplace({model.cliques_of[j], job.alignment, job.raw_size}, j);
    if (is_first) continue;
    job.below = at->second;
    model.jobs[at->second].above = j;
    at->second = j;
  }
}

}  // namespace

std::optional<ExactModel> make_exact_model(const Instance& instance, int64_t max_pairs) {
  const auto conflicts = conflict_lists(instance, max_pairs);
  if (!conflicts) return std::nullopt;
  ExactModel model;
  model.granularity = instance.granularity;
  auto cliques = clique_cover(instance);
  if (!cliques) return std::nullopt;
  model.cliques = *std::move(cliques);
  const size_t n = instance.items.size();
  std::vector<uint32_t> first(n, UINT32_MAX), last(n, 0);
  for (uint32_t q = 0; q < model.cliques.size(); ++q) {
    for (uint32_t i : model.cliques[q]) {
      first[i] = std::min(first[i], q);
      last[i] = q;
    }
  }
  std::vector<uint32_t> order(n), job_of(n);
  for (uint32_t i = 0; i < n; ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return first[a] < first[b]; });
  for (uint32_t j = 0; j < n; ++j) job_of[order[j]] = j;
  model.cliques_of.resize(n);
  for (uint32_t q = 0; q < model.cliques.size(); ++q) {
    for (uint32_t& member : model.cliques[q]) {
      member = job_of[member];
      model.cliques_of[member].push_back(q);
    }
  }
  for (uint32_t i : order) {
    const Item& item = instance.items[i];
    model.jobs.push_back({.item = i,
                          .size = instance.padded(item.size),
                          .raw_size = item.size,
                          .alignment = item.alignment,
                          .fixed_offset = item.fixed_offset,
                          .first_clique = first[i],
                          .last_clique = last[i]});
    auto& list = model.neighbors.emplace_back((*conflicts)[i]);
    for (uint32_t& other : list) other = job_of[other];
    std::sort(list.begin(), list.end());
  }
  find_interchangeable(model);
  return model;
}

}  // namespace memopt
