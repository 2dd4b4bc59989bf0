#include "passes/pass.h"

#include <algorithm>
#include <chrono>

#include "compiler/ir/verify.h"

namespace memopt {

const Pass* find_pass(std::string_view name) {
  for (const Pass& pass : all_passes()) {
    if (pass.name == name) return &pass;
  }
  return nullptr;
}

Result<bool> run_passes(Graph& graph, std::span<const Pass* const> passes,
                        const RunPassesOptions& options) {
  bool any = false;
  for (const Pass* pass : passes) {
    if (std::find(options.disabled.begin(), options.disabled.end(), pass->name) !=
        options.disabled.end()) {
      continue;
    }
    const auto begin = std::chrono::steady_clock::now();
    auto changed = pass->run(graph, options.pass);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (!changed.ok()) return in_context("pass " + std::string(pass->name), changed.error());
    if (*changed && options.verify) {
      if (Status status = verify_graph(graph); !status.ok()) {
        return in_context("after pass " + std::string(pass->name), status.error());
      }
    }
    if (options.observer) options.observer({pass->name, *changed, elapsed.count(), &graph});
    any = any || *changed;
  }
  return any;
}

}  // namespace memopt
