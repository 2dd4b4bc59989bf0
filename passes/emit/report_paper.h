// The tables of the report on paper, which also show where scripts are off: the largest rows, and
// how many are left out.
#pragma once

#include <string>

#include "passes/emit/report.h"

namespace memopt {

// HTML; with the map and the lists beside it at most three pages, whatever the names.
std::string paper_tables_html(const Report& report);

}  // namespace memopt
