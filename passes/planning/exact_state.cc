#include "passes/planning/exact_state.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "runtime/base/checked.h"

namespace memopt {
namespace {

uint64_t mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

StateKey key_for(uint32_t job, int64_t low, int64_t rest) {
  const uint64_t x = mix(static_cast<uint64_t>(low) + 0x9e3779b97f4a7c15u * (job + 1));
  const uint64_t y = mix(x + static_cast<uint64_t>(rest));
  return {y, mix(y ^ (x << 1))};
}

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
  model.cliques = clique_cover(instance);
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

ExactState::ExactState(const ExactModel& model, int64_t capacity)
    : model_(model),
      capacity_(align_up(capacity, model.granularity)),
      placed_(model.jobs.size(), 0),
      under_(model.jobs.size(), 0),
      members_(model.cliques),
      crossing_(model.cliques.size(), 0),
      weight_(model.cliques.size(), 1.0),
      queued_(model.cliques.size(), 0) {
  for (uint32_t j = 0; j < model.jobs.size(); ++j) {
    const ExactModel::Job& job = model.jobs[j];
    const int64_t top = capacity - job.raw_size;
    ceiling_.push_back(job.fixed_offset ? std::min(*job.fixed_offset, top)
                                        : (top < 0 ? -1 : top / job.alignment * job.alignment));
    size_.push_back(job.size);
    alignment_.push_back(job.alignment);
    low_.push_back(job.below == ExactModel::kNone
                       ? job.fixed_offset.value_or(0)
                       : align_up(low_[job.below] + size_[job.below], job.alignment));
    rest_.push_back(job.fixed_offset.value_or(0));
    keys_.push_back(key_for(j, low_[j], rest_[j]));
    key += keys_[j];
    for (uint32_t q = job.first_clique; q < job.last_clique; ++q) ++crossing_[q];
  }
  for (uint32_t q = 0; q < model.cliques.size(); ++q) {
    int64_t total = 0;
    for (uint32_t j : members_[q]) total += size_[j];
    count_.push_back(static_cast<uint32_t>(members_[q].size()));
    total_.push_back(total);
    cached_.emplace_back();
  }
}

void ExactState::look_at_everything() {
  for (uint32_t job = 0; job < model_.jobs.size(); ++job) touch_cliques(job);
}

bool ExactState::fail() {
  for (uint32_t q : queue_) queued_[q] = 0;
  queue_.clear();
  return false;
}

void ExactState::touch_cliques(uint32_t job) {
  steps_ += static_cast<int64_t>(model_.cliques_of[job].size());
  for (uint32_t q : model_.cliques_of[job]) {
    if (queued_[q]) continue;
    queued_[q] = 1;
    queue_.push_back(q);
  }
}

bool ExactState::set_low(uint32_t job, int64_t low, int64_t rest) {
  trail_.push_back({Change::kBounds, job, low_[job], rest_[job], keys_[job], 0});
  if (low > low_[job]) touch_cliques(job);
  low_[job] = low;
  rest_[job] = rest;
  key -= keys_[job];
  keys_[job] = key_for(job, low, rest);
  key += keys_[job];
  if (low > ceiling_[job]) return false;
  const uint32_t above = model_.jobs[job].above;
  if (above == ExactModel::kNone || placed_[above]) return true;
  const int64_t next = align_up(low + size_[job], alignment_[above]);
  return low_[above] >= next || set_low(above, next, rest_[above]);
}

bool ExactState::place(uint32_t job) {
  steps_ += static_cast<int64_t>(model_.neighbors[job].size());
  if (low_[job] > ceiling_[job]) return fail();
  const int64_t top = low_[job] + size_[job];
  trail_.push_back({Change::kPlaced, job, 0, 0, {}, 0});
  placed_[job] = 1;
  placed_area_ += size_[job] * static_cast<int64_t>(model_.cliques_of[job].size());
  key -= keys_[job];
  for (uint32_t q : model_.cliques_of[job]) {
    auto& members = members_[q];
    const uint32_t last = --count_[q];
    uint32_t at = last;
    while (members[at] != job) --at;
    std::swap(members[at], members[last]);
    total_[q] -= size_[job];
  }
  const auto& self = model_.jobs[job];
  for (uint32_t q = self.first_clique; q < self.last_clique; ++q) --crossing_[q];
  touch_cliques(job);
  for (uint32_t other : model_.neighbors[job]) {
    if (placed_[other]) continue;
    const int64_t above = align_up(top, alignment_[other]);
    if (rest_[other] >= above) continue;
    if (!set_low(other, std::max(low_[other], above), above)) return fail();
  }
  return true;
}

bool ExactState::raise(uint32_t job) {
  int64_t support = INT64_MAX;
  for (uint32_t other : model_.neighbors[job]) {
    if (!placed_[other]) support = std::min(support, low_[other] + size_[other]);
  }
  if (support == INT64_MAX) return fail();
  return set_low(job, align_up(support, alignment_[job]), rest_[job]) || fail();
}

void ExactState::undo_to(size_t mark) {
  while (trail_.size() > mark) {
    const Undo& undo = trail_.back();
    const uint32_t i = undo.index;
    switch (undo.change) {
      case Change::kBounds:
        key -= keys_[i];
        low_[i] = undo.low;
        rest_[i] = undo.rest;
        keys_[i] = undo.key;
        key += keys_[i];
        break;
      case Change::kPlaced: {
        placed_[i] = 0;
        placed_area_ -= size_[i] * static_cast<int64_t>(model_.cliques_of[i].size());
        key += keys_[i];
        for (uint32_t q : model_.cliques_of[i]) {
          ++count_[q];
          total_[q] += size_[i];
        }
        const auto& self = model_.jobs[i];
        for (uint32_t q = self.first_clique; q < self.last_clique; ++q) ++crossing_[q];
        break;
      }
      case Change::kClique:
        cached_[i] = {undo.low, undo.rest, undo.at_level};
        break;
    }
    trail_.pop_back();
  }
}

// Sorts the clique's unplaced jobs by lowest offset and applies, for every suffix S of that order:
// S must fit above its lowest offset; and a job that, lowest of all in S, would push S past the
// capacity rests on one of S.
bool ExactState::propagate_clique(uint32_t q) {
  const size_t m = count_[q];
  if (m == 0) return true;
  uint32_t* const jobs = members_[q].data();
  for (;;) {
    steps_ += static_cast<int64_t>(4 * m);
    for (size_t i = 1; i < m; ++i) {  // nearly sorted from the last time
      const uint32_t job = jobs[i];
      const int64_t low = low_[job];
      size_t k = i;
      for (; k > 0 && low_[jobs[k - 1]] > low; --k) jobs[k] = jobs[k - 1];
      jobs[k] = job;
    }
    if (tails_.size() < m + 1) tails_.resize(m + 1), ends_.resize(m + 1);
    int64_t slack = INT64_MAX, tail = 0, end = INT64_MAX;
    tails_[m] = 0;
    ends_[m] = INT64_MAX;
    for (size_t i = m; i-- > 0;) {
      const uint32_t job = jobs[i];
      tail += size_[job];
      end = std::min(end, low_[job] + size_[job]);
      tails_[i] = tail;
      ends_[i] = end;
      slack = std::min(slack, capacity_ - low_[job] - tail);
    }
    if (slack < 0) {
      weight_[q] += 1;
      return false;
    }
    bool changed = false;
    // Not first: in the whole clique, where only those that can be first support.
    const int64_t latest_first = capacity_ - tail;
    size_t firsts = 0;
    int64_t support = INT64_MAX;
    while (firsts < m && low_[jobs[firsts]] <= latest_first) {
      support = std::min(support, low_[jobs[firsts]] + size_[jobs[firsts]]);
      ++firsts;
    }
    for (size_t i = firsts; i < m; ++i) {
      const uint32_t job = jobs[i];
      int64_t low = low_[job];
      low = std::max(low, support);
      if (low > low_[job]) {
        if (!set_low(job, align_up(low, alignment_[job]), rest_[job])) {
          weight_[q] += 1;
          return false;
        }
        changed = true;
      }
    }
    if (!changed) {
      Clique now{low_[jobs[0]], slack, 0};
      while (static_cast<size_t>(now.at_level) < m && low_[jobs[now.at_level]] == now.level) {
        ++now.at_level;
      }
      Clique& old = cached_[q];
      if (old.level != now.level || old.slack != now.slack || old.at_level != now.at_level) {
        trail_.push_back({Change::kClique, q, old.level, old.slack, {}, old.at_level});
        old = now;
      }
      return true;
    }
  }
}

bool ExactState::drain_queue() {
  while (!queue_.empty()) {
    const uint32_t q = queue_.back();
    queue_.pop_back();
    const bool ok = propagate_clique(q);
    queued_[q] = 0;
    if (!ok) return fail();
  }
  return true;
}

int ExactState::settle(uint32_t begin, uint32_t end) {
  int result = 0;
  steps_ += end - begin;
  for (uint32_t job = begin; job < end; ++job) {
    if (placed_[job]) continue;
    const int64_t top = rest_[job] + size_[job];
    const auto gets_under = [&](uint32_t other) { return !placed_[other] && low_[other] < top; };
    const auto& neighbors = model_.neighbors[job];
    if (under_[job] < neighbors.size() && gets_under(neighbors[under_[job]])) continue;
    uint32_t k = 0;
    while (k < neighbors.size() && !gets_under(neighbors[k])) ++k;
    under_[job] = k;
    if (k < neighbors.size()) continue;
    // It can rest at rest_ whatever comes. Had it been raised, the packing could be pushed down.
    if (low_[job] > rest_[job]) return -1;
    if (!place(job)) return -1;
    result = 1;
  }
  return result;
}

bool ExactState::propagate(uint32_t begin, uint32_t end) {
  for (;;) {
    if (!drain_queue()) return false;
    const int settled = settle(begin, end);
    if (settled < 0) return fail();
    if (settled == 0) return true;
  }
}

}  // namespace memopt
