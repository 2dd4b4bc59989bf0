// How every writer of JSON here turns a value into text.
#pragma once

#include <string>

namespace memopt {

// nlohmann's `json` or `ordered_json` as text, indented by `indent` (-1: one line). ASCII, so that
// nothing in a name is obeyed by a terminal or depends on an encoding; bytes that are not UTF-8
// become U+FFFD instead of an exception. A template, so that the runtime needs no JSON library.
template <typename Json>
std::string json_text(const Json& json, int indent = 2) {
  return json.dump(indent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

}  // namespace memopt
