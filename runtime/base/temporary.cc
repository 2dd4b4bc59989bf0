#include "runtime/base/temporary.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <new>

namespace memopt {

// A signal handler may look at an entry at any moment, so entries are used again, never freed, and
// `path` changes only while nobody else may read it.
struct TemporaryPath::Entry {
  enum class State : uint8_t {
    kFree,
    kChanging,  // by its thread
    kOwned,
    kEnding  // by the handler; for good
  };
  std::atomic<State> state = State::kChanging;
  Entry* next = nullptr;
  std::array<char, 4096> path{};  // as long as a path can be
};

namespace {

using Entry = TemporaryPath::Entry;
std::atomic<Entry*> entries = nullptr;
static_assert(std::atomic<Entry*>::is_always_lock_free &&
                  std::atomic<Entry::State>::is_always_lock_free,
              "a signal handler reads them");

bool change(Entry& entry, Entry::State from, Entry::State to) {
  return entry.state.compare_exchange_strong(from, to);
}

// An entry in state kChanging; null without memory.
Entry* take_entry() {
  for (Entry* entry = entries; entry != nullptr; entry = entry->next) {
    if (change(*entry, Entry::State::kFree, Entry::State::kChanging)) return entry;
  }
  auto* const entry = new (std::nothrow) Entry;
  if (entry == nullptr) return nullptr;
  entry->next = entries;
  while (!entries.compare_exchange_weak(entry->next, entry)) {
  }
  return entry;
}

void remove(const char* path) {
  if (::unlink(path) != 0) ::rmdir(path);
}

}  // namespace

Result<TemporaryPath> TemporaryPath::own(const std::string& path) {
  if (path.size() >= std::tuple_size_v<decltype(Entry::path)>) {
    return Error{Code::kOutOfResource, path + ": cannot create: the path is too long"};
  }
  Entry* const entry = take_entry();
  if (entry == nullptr) return Error{Code::kOutOfResource, path + ": cannot create: out of memory"};
  *std::copy(path.begin(), path.end(), entry->path.begin()) = '\0';
  entry->state = Entry::State::kOwned;
  return TemporaryPath(entry);
}

TemporaryPath::~TemporaryPath() {
  if (entry_ == nullptr) return;
  remove(entry_->path.data());
  release();
}

const char* TemporaryPath::path() const { return entry_->path.data(); }

void TemporaryPath::release() {
  change(*entry_, Entry::State::kOwned, Entry::State::kFree);
  entry_ = nullptr;
}

void remove_temporary_paths() {
  for (Entry* entry = entries; entry != nullptr; entry = entry->next) {
    if (change(*entry, Entry::State::kOwned, Entry::State::kEnding)) ::unlink(entry->path.data());
  }
  for (Entry* entry = entries; entry != nullptr; entry = entry->next) {
    if (entry->state == Entry::State::kEnding) ::rmdir(entry->path.data());
  }
}

}  // namespace memopt
