// What a file is that was given in place of an ONNX file: downloads that went wrong, archives that
// nobody unpacked, models of other frameworks.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace memopt {

// What the bytes look like and what to do about it, as the end of a message ("; it looks like a zip
// archive: unpack it"); empty where they look like nothing known.
std::string foreign_file_hint(std::span<const std::byte> bytes);

}  // namespace memopt
