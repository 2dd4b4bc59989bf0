// Protobuf messages into files.
#pragma once

#include <google/protobuf/message_lite.h>

#include "runtime/base/file.h"

namespace memopt {

// Serializes straight into the file, so that weights exist once in memory. kBadInput where protobuf
// cannot hold the message (2 GiB).
Status write_message(const google::protobuf::MessageLite& message, AtomicFile& file);

}  // namespace memopt
