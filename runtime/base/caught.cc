#include "runtime/base/caught.h"

#include <cerrno>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

namespace memopt {
namespace {

bool is_lack(const std::error_code& code) {
  if (code.category() != std::generic_category() && code.category() != std::system_category()) {
    return false;
  }
  for (const int lack : {EAGAIN, ENOMEM, ENOSPC, EMFILE, ENFILE, EDQUOT}) {
    if (code.value() == lack) return true;
  }
  return false;
}

}  // namespace

Code describe_caught(std::span<char> message) noexcept {
  const auto say = [&](const char* what, const char* detail) {
    std::snprintf(message.data(), message.size(), "%s%s", what, detail);
  };
  try {
    throw;
  } catch (const std::bad_alloc&) {
    say("out of memory", "");
    return Code::kOutOfResource;
  } catch (const std::system_error& error) {
    if (is_lack(error.code())) {
      say("out of threads or another resource: ", error.what());
      return Code::kOutOfResource;
    }
    say(error.what(), "");
  } catch (const std::exception& error) {
    say(error.what(), "");
  } catch (...) {
    say("something unknown was thrown", "");
  }
  return Code::kInternal;
}

}  // namespace memopt
