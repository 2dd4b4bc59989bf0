// From an instruction set to the loops compiled for it. A family of loops is a struct of function
// pointers; its *_simd.cc defines, in each instruction set's namespace, a function that returns it:
//   family.h        struct RowLoops { ... };  MEMOPT_SIMD_FAMILY(RowLoops, row_loops)
//   family_simd.cc  namespace memopt::MEMOPT_SIMD_NAMESPACE { const RowLoops& row_loops() ... }
//   kernel.cc       row_loops(request.target.isa).softmax(...)
#pragma once

#include "runtime/base/target.h"

#if defined(__x86_64__)
#define MEMOPT_SIMD_FAMILY(Type, name)                          \
  namespace portable {                                          \
  const Type& name();                                           \
  }                                                             \
  namespace avx2 {                                              \
  const Type& name();                                           \
  }                                                             \
  namespace avx512 {                                            \
  const Type& name();                                           \
  }                                                             \
  inline const Type& name(Isa isa) {                            \
    if (isa >= Isa::kAvx512) return avx512::name();             \
    return isa >= Isa::kAvx2 ? avx2::name() : portable::name(); \
  }
#else
#define MEMOPT_SIMD_FAMILY(Type, name) \
  namespace portable {                 \
  const Type& name();                  \
  }                                    \
  inline const Type& name(Isa) { return portable::name(); }
#endif
