// Aligned columns for terminals; sizes (size_text.h), shares and names (printable.h) as people read
// them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"

namespace memopt {

// "1.3 %" of `whole`; tiny differences never read as zero ("< 0.1 %").
std::string percent_text(int64_t part, int64_t whole);

// Rows of cells; each column as wide as its widest cell. Cells are measured in UTF-8 characters.
class TextTable {
 public:
  enum class Align : uint8_t { kLeft, kRight };
  explicit TextTable(std::vector<Align> columns) : columns_(std::move(columns)) {}
  // At most as many cells as columns.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // Every line begins with `indent` spaces and has none at its end; columns are two spaces apart.
  std::string text(size_t indent = 0) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace memopt
