// Reading and making small float constants, for the passes that fold weights.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/graph.h"

namespace memopt {

// The elements of a float constant (f32, f64, f16, bf16) in row-major order, as double; nullopt for
// anything else.
std::optional<std::vector<double>> float_constant(const Graph& graph, ValueId id);
// The only element of a one-element float constant.
std::optional<double> scalar_constant(const Graph& graph, ValueId id);
// A new row-major constant of a float type, rounded from double. Its name is made unique from
// `name`.
ValueId add_float_constant(Graph& graph, std::string_view name, DType type, const Dims& dims,
                           const std::vector<double>& values);

// The constant `id` as one number per channel of a tensor of type `result` (N, C, spatial...),
// where it broadcasts to it that way: a scalar, (C, 1, ...) or (1, C, 1, ...). nullopt where it
// varies along another dimension.
std::optional<std::vector<double>> channel_constant(const Graph& graph, ValueId id,
                                                    const TensorType& result);

}  // namespace memopt
