// Files and folders that must be gone when the process ends, also when a signal ends it.
#pragma once

#include <string>
#include <utility>

#include "runtime/base/result.h"

namespace memopt {

// Owns what is at a path: a file or an empty folder, removed by the destructor and, as long as it
// is owned, by remove_temporary_paths(). Name a path before the thing is made, and nothing can be
// left behind.
class TemporaryPath {
 public:
  static Result<TemporaryPath> own(const std::string& path);
  TemporaryPath(TemporaryPath&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
  TemporaryPath& operator=(TemporaryPath&&) = delete;
  ~TemporaryPath();
  const char* path() const;
  // What is there stays, or is gone already: renamed, or somebody else's.
  void release();

  struct Entry;

 private:
  explicit TemporaryPath(Entry* entry) : entry_(entry) {}
  Entry* entry_;
};

// Removes what is owned at this moment, files first. Async-signal-safe; only for a process that is
// about to end.
void remove_temporary_paths();

}  // namespace memopt
