// What sanitizers change for a test that has a limit.
#pragma once

namespace memopt::testing {

// By how much a sanitizer at most multiplies time and memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSanitizerFactor = 6;
#else
inline constexpr int kSanitizerFactor = 1;
#endif

}  // namespace memopt::testing
