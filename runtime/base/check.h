// Broken invariants: a failed check is a bug in memopt and ends the process. Input from files is
// never checked this way; it goes through Result.
#pragma once

#include <cstdio>
#include <cstdlib>

#define MEMOPT_CHECK(condition)                                                                   \
  do {                                                                                            \
    if (!(condition)) [[unlikely]] {                                                              \
      std::fprintf(stderr, "%s:%d: internal check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                               \
    }                                                                                             \
  } while (false)
