#include "benchmarks/networks.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "passes/planning/order_text.h"
#include "runtime/base/file.h"

namespace memopt {
namespace {

constexpr Published kPublished[] = {
    {"amoebanet_cifar", 1296, 0.42, 1708.1, 1584.1},
    {"amoebanet_imagenet", 3834.2, 0.086, 4299.9, 4299.9},
    {"darts_cifar", 1476, 0.084, 2304.1, 2140.1},
    {"darts_imagenet", 3822, 0.010, 4067.1, 4018.1},
    {"nasnet_cifar", 1952, 9.02, 2560.1, 2112.1},
    {"nasnet_imagenet", 3797.5, 0.168, 5120.6, 3993.6},
    {"pnas_cifar", 1600, 8.70, 2700.1, 1600.1},
    {"randwire_c78_s0", 3105.4, 88.0, 4299.9, 3105.5},
    {"randwire_c78_s1", 3344.2, 180.5, 4299.9, 3344.4},
    {"randwire_c78_s2", 3583.1, 79.2, 5016.5, 3583.2},
    {"randwire_c78_s3", 0, 600, 3822.1, 0},
};

}  // namespace

Result<std::vector<Network>> load_networks(const std::string& folder, const std::string& prefix) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".g" && entry.path().stem().string().starts_with(prefix)) {
      paths.push_back(entry.path().string());
    }
  }
  if (paths.empty()) return bad_input("no .g files in '" + folder + "'; give --data FOLDER");
  std::sort(paths.begin(), paths.end());
  std::vector<Network> networks;
  for (const std::string& path : paths) {
    MEMOPT_ASSIGN_OR_RETURN(const std::vector<std::byte> file, read_file(path, int64_t{1} << 30));
    auto problem = parse_order_problem({reinterpret_cast<const char*>(file.data()), file.size()});
    if (!problem.ok()) return in_context(path, problem.error());
    Network network{std::filesystem::path(path).stem().string(), std::move(*problem), nullptr};
    for (const Published& row : kPublished) {
      if (row.name == network.name) network.published = &row;
    }
    networks.push_back(std::move(network));
  }
  return networks;
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

std::string kb(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", static_cast<double>(bytes) / 1024);
  return text;
}

}  // namespace memopt
