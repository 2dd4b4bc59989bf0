// Passes over graphs: a name, a summary and a function that says truthfully whether it changed
// anything. The name is the file, the function, the flag and the golden test.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/graph.h"
#include "runtime/base/account.h"
#include "runtime/base/result.h"

namespace memopt {

// What becomes of the rows that two bands of a region share: computed in both of them, or in the
// first and kept for the second.
enum class Overlap : uint8_t { kRecompute, kKeep };

// A region to compute in bands, its values by name (passes/transform/tile.h).
struct TileRequest {
  std::string output;
  std::vector<std::string> inputs;
  int64_t axis = 2;
  int64_t bands = 2;
  Overlap overlap = Overlap::kRecompute;
  bool operator==(const TileRequest&) const = default;
};

// What passes may be told. One struct for all, so that pipelines are lists.
struct PassOptions {
  // Of the whole compile: the constants that passes make count on it.
  std::shared_ptr<Account> account = std::make_shared<Account>();
  // Constant folding makes no constant of more bytes than this, unless it replaces larger ones.
  int64_t fold_limit_bytes = int64_t{16} << 20;
  // What `tile` computes in bands, one after the other.
  std::vector<TileRequest> tiles;
};

struct Pass {
  std::string_view name;
  std::string_view summary;
  Result<bool> (*run)(Graph&, const PassOptions&);
};

// Every pass, in the order of the default pipeline (passes/pipeline.cc gives the reasons).
std::span<const Pass> all_passes();
const Pass* find_pass(std::string_view name);

struct PassEvent {
  std::string_view pass;
  bool changed = false;
  double seconds = 0;
  const Graph* graph = nullptr;  // after the pass
};

struct RunPassesOptions {
  PassOptions pass;
  std::vector<std::string> disabled;  // names of passes to leave out
  bool verify = true;                 // verify_graph() after every pass that changed something
  std::function<void(const PassEvent&)> observer;
};

// Runs the passes in this order, once each. Says whether any changed the graph.
Result<bool> run_passes(Graph& graph, std::span<const Pass* const> passes,
                        const RunPassesOptions& options = {});

}  // namespace memopt
