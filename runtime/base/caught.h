// What was thrown, as the one error channel has it: for the ends of the process where nothing may
// be thrown any further (the C API, main()).
#pragma once

#include <span>

#include "runtime/base/result.h"

namespace memopt {

// Only inside of a handler. A lack of memory, threads or another resource is kOutOfResource, all
// else a bug. `message` gets the reason, cut to its size and ended by '\0'. Allocates nothing.
Code describe_caught(std::span<char> message) noexcept;

}  // namespace memopt
