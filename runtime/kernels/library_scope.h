// Marks the time that a thread spends inside a foreign library, so that what the library allocates
// there can be counted apart from what memopt allocates.
#pragma once

namespace memopt {

namespace detail {
inline thread_local int library_scope_depth = 0;
}

// How many scopes this thread is in; 0 outside of any library.
inline int library_scope_depth() { return detail::library_scope_depth; }

// Enters a library for the lifetime of the object.
class LibraryScope {
 public:
  LibraryScope() { ++detail::library_scope_depth; }
  ~LibraryScope() { --detail::library_scope_depth; }
  LibraryScope(const LibraryScope&) = delete;
  LibraryScope& operator=(const LibraryScope&) = delete;
};

}  // namespace memopt
