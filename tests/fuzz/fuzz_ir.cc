// Graphs as text: what parses prints and parses to the same text again; what verifies is compiled
// and run.
#include "compiler/ir/text.h"
#include "compiler/ir/verify.h"
#include "runtime/base/digest.h"
#include "tests/fuzz/compile_and_run.h"
#include "tests/fuzz/fuzz.h"

namespace memopt::fuzz {
namespace {

Counter parsed("parsed"), verified("verified");

void fuzz(std::string_view text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) return require_expected(graph.error());
  ++parsed;
  const std::string printed = print_graph(*graph);
  const auto again = parse_graph(printed);
  require(again.ok(), again.ok() ? "" : again.error().message);
  require(print_graph(*again) == printed, "the text changes when it is parsed");
  if (!verify_graph(*graph).ok()) return;
  ++verified;
  compile_and_run(*std::move(graph), digest_of(std::as_bytes(std::span(text))));
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  memopt::fuzz::fuzz(memopt::fuzz::text_of(data, size));
  return 0;
}
