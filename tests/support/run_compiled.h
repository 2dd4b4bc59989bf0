// Runs a compiled model as an embedder would: through a plan file and a session.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "passes/compile.h"

namespace memopt {

// The bytes of every output for inputs that are the same in every call (f32 in [-1, 1]). Failures
// are reported to GoogleTest; the result is empty then.
std::vector<std::vector<std::byte>> run_compiled(const CompiledModel& model, bool guard);
// The same for inputs of any type with these bytes, in the order of the signature.
std::vector<std::vector<std::byte>> run_compiled(const CompiledModel& model, bool guard,
                                                 std::span<const std::vector<std::byte>> inputs);

// Several runs of one session, from the states that the model begins with: the outputs of each.
std::vector<std::vector<std::vector<std::byte>>> run_stream(
    const CompiledModel& model, bool guard,
    std::span<const std::vector<std::vector<std::byte>>> inputs_of_runs);

// The largest difference of two lists of f32 outputs, relative to the range of the expected ones.
double relative_error(const std::vector<std::vector<std::byte>>& outputs,
                      const std::vector<std::vector<std::byte>>& expected);

}  // namespace memopt
