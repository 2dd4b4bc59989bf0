// What happens where LLVM's containers find no memory.
#pragma once

namespace memopt {

// From now on they throw std::bad_alloc, as everything else does; before, they end the process.
// Once in a process, in the beginning of main().
void throw_when_out_of_memory();

}  // namespace memopt
