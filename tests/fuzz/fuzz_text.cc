// What people write on command lines: sizes, targets, shapes, extents, budgets, regions,
// activations and the rest of the flags that compile a model. A line of text is tried as each of
// them.
#include "runtime/base/target.h"
#include "runtime/base/type.h"
#include "runtime/ops/op.h"
#include "tests/fuzz/fuzz.h"
#include "tools/cli/budget.h"
#include "tools/cli/compile_flags.h"
#include "tools/cli/sizes.h"

namespace memopt::fuzz {
namespace {

Counter sizes("sizes"), targets("targets"), activations("activations"), shapes("shapes"),
    options("options");

void fuzz_words(std::string_view text) {
  if (const auto size = parse_size(text)) {
    ++sizes;
    require(*size >= 0, "a negative size");
    const auto budget = parse_budget(std::string(text));
    require(budget.ok() && budget->bytes == *size && !budget->is_min,
            "a size that is another budget");
  }
  if (const auto target = parse_target(text)) {
    ++targets;
    require(parse_target(to_string(*target)) == target, "the target changes when it is printed");
  }
  const auto activation = parse_activation(text);
  if (activation.ok()) {
    ++activations;
    const std::string printed = to_string(*activation);
    const auto again = parse_activation(printed);
    require(again.ok() && to_string(*again) == printed,
            "the activation changes when it is printed");
  }
  if (const auto dtype = parse_dtype(text)) require(dtype_name(*dtype) == text, "another type");
  if (const auto layout = parse_layout(text))
    require(layout_name(*layout) == text, "another layout");
}

void fuzz_import(const std::string& line) {
  for (auto CompileFlags::*list :
       {&CompileFlags::shapes, &CompileFlags::dims, &CompileFlags::bindings}) {
    CompileFlags flags;
    (flags.*list).push_back(line);
    const auto result = import_options(flags, std::make_shared<Account>());
    if (!result.ok()) {
      require_expected(result.error());
      continue;
    }
    ++shapes;
    for (const auto& [name, shape] : result->shapes) {
      for (const int64_t dim : shape) require(dim >= 0, "a negative extent");
    }
    for (const auto& [name, extent] : result->dims) {
      require(0 <= extent.min && extent.min <= extent.max, "an extent that is none");
    }
  }
}

void fuzz_compile(const std::string& line) {
  for (auto CompileFlags::*list :
       {&CompileFlags::disabled, &CompileFlags::disabled_kernels, &CompileFlags::tiles}) {
    CompileFlags flags;
    flags.target = "portable";
    (flags.*list).push_back(line);
    const auto result = compile_options(flags);
    if (result.ok())
      ++options;
    else
      require_expected(result.error());
  }
}

}  // namespace
}  // namespace memopt::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string line(memopt::fuzz::text_of(data, size));
  memopt::fuzz::fuzz_words(line);
  // A binding names a file to read.
  if (line.find('@') == std::string::npos) memopt::fuzz::fuzz_import(line);
  memopt::fuzz::fuzz_compile(line);
  return 0;
}
