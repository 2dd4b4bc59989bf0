// What a certificate says, in words.
#pragma once

#include <string>

#include "tools/certificate/certificate.h"

namespace memopt {

// "no order of the 57 steps and no placement needs less than 4.99 MiB (5234688 bytes) of arena:
// step 3 ('conv2') needs that much whenever it runs". No full stop.
std::string sentence(const certificate::Statement& statement, const Plan& plan);

// All statements and the gap between the arena and the best of them, one line each.
std::string certificate_text(const certificate::Certificate& certificate, const Plan& plan);

}  // namespace memopt
