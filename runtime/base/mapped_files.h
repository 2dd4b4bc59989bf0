// Which file is mapped where: so that a handler of SIGBUS, which a read of a mapped file raises
// once another process has made the file shorter, can name it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace memopt {

// Of a mapping, from when it is made until just before it goes. At most 256 are known at a time,
// and the first 255 bytes of their names, made
// printable; those beyond are left out.
void remember_mapped_file(std::span<const std::byte> bytes, std::string_view name);
void forget_mapped_file(std::span<const std::byte> bytes);

// The name of the file that is mapped at `address`, nullptr where none is. Async-signal-safe; valid
// while the mapping is.
const char* mapped_file_at(const void* address);

}  // namespace memopt
