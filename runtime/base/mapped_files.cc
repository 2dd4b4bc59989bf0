#include "runtime/base/mapped_files.h"

#include <atomic>
#include <string>

#include "runtime/base/printable.h"

namespace memopt {
namespace {

struct Slot {
  std::atomic<const std::byte*> begin = nullptr;
  std::atomic<size_t> bytes = 0;  // 0 while the slot is being filled
  char name[256];
};
Slot slots[256];

}  // namespace

void remember_mapped_file(std::span<const std::byte> bytes, std::string_view name) {
  const std::string text = printable(name);  // a model may have chosen it
  for (Slot& slot : slots) {
    const std::byte* free = nullptr;
    if (!slot.begin.compare_exchange_strong(free, bytes.data())) continue;
    slot.name[text.copy(slot.name, sizeof(slot.name) - 1)] = '\0';
    slot.bytes = bytes.size();
    return;
  }
}

void forget_mapped_file(std::span<const std::byte> bytes) {
  for (Slot& slot : slots) {
    if (slot.begin != bytes.data()) continue;
    slot.bytes = 0;
    slot.begin = nullptr;
    return;
  }
}

const char* mapped_file_at(const void* address) {
  const auto* const byte = static_cast<const std::byte*>(address);
  for (const Slot& slot : slots) {
    const std::byte* const begin = slot.begin;
    if (begin != nullptr && byte >= begin && byte < begin + slot.bytes) return slot.name;
  }
  return nullptr;
}

}  // namespace memopt
