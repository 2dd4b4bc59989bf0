#include "tools/cli/output_names.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace memopt {
namespace {

bool is_plain(const std::string& name) {
  constexpr size_t kLongest = 200;  // of the 255 bytes that file systems take
  return !name.empty() && name[0] != '.' && name.size() < kLongest &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

std::string lower(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

}  // namespace

std::vector<std::string> output_file_names(const Plan& plan) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const uint32_t index : plan.outputs) {
    const std::string& name = plan.values[index].name;
    names.push_back(is_plain(name) && taken.insert(lower(name)).second ? name : "");
  }
  for (size_t k = 0; k < names.size(); ++k) {
    if (!names[k].empty()) continue;
    names[k] = "output_" + std::to_string(k);
    while (!taken.insert(names[k]).second) names[k] += '_';
  }
  return names;
}

}  // namespace memopt
