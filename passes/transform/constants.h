// Reading and making small float constants, for the passes that fold weights.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/graph.h"
#include "passes/pass.h"

namespace memopt {

// The elements of a float constant (f32, f64, f16, bf16) in row-major order, as double; nullopt for
// anything else.
std::optional<std::vector<double>> float_constant(const Graph& graph, ValueId id);
// Whether an element of a constant (f32, f64, f16, bf16) is infinite or NaN. False for all else.
bool has_nonfinite(const Graph& graph, ValueId id);
// The only element of a one-element float constant.
std::optional<double> scalar_constant(const Graph& graph, ValueId id);
// A new row-major constant of a float type, rounded from double, that counts on the account. Its
// name is made unique from `name`.
ValueId add_float_constant(Graph& graph, std::string_view name, DType type, const Dims& dims,
                           const std::vector<double>& values, const PassOptions& options);

// Whether the account affords to read `count` elements as doubles and to make as many anew.
bool affords_constants(const PassOptions& options, int64_t count);

// Whether these numbers can take the place of a computation: finite as elements of a float type,
// with room for the sums of their products. What was computed in two steps at run time may have
// passed through numbers that one step does not reach.
bool are_safe_constants(DType type, const std::vector<double>& values);
// The smallest number of a float type with all its digits.
double smallest_normal(DType type);

// The constant `id` as one number per channel of a tensor of type `result` (N, C, spatial...),
// where it broadcasts to it that way: a scalar, (C, 1, ...) or (1, C, 1, ...). nullopt where it
// varies along another dimension.
std::optional<std::vector<double>> channel_constant(const Graph& graph, ValueId id,
                                                    const TensorType& result);

}  // namespace memopt
