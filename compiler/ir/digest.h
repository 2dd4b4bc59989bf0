// Which network a graph is.
#pragma once

#include <string>

#include "compiler/ir/graph.h"

namespace memopt {

// 16 hexadecimal digits from the operators, their attributes and types and how they are connected,
// and the names of inputs and outputs. Not from the values of constants nor from other names: a
// network that was trained further is still the same.
std::string network_digest(const Graph& graph);

}  // namespace memopt
