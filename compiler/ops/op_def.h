// The operator definitions live in the runtime, whose verifier needs them too.
#pragma once

#include "runtime/ops/op_def.h"  // IWYU pragma: export
