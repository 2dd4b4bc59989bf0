#include "compiler/ir/out_of_memory.h"

#include <llvm/Support/ErrorHandling.h>

#include <new>

namespace memopt {

void throw_when_out_of_memory() {
  llvm::install_bad_alloc_error_handler([](void* /*data*/, const char* /*reason*/,
                                           bool /*crash_report*/) { throw std::bad_alloc(); });
}

}  // namespace memopt
