// The report as one self-contained HTML file: no external resource, no network, no inline handlers.
// Without the runtime bytes, so that equal plans give equal pages.
// Strings of the model travel as JSON data and reach the page as text only.
#pragma once

#include <string>

#include "passes/emit/report.h"

namespace memopt {

std::string report_html(Report report);

}  // namespace memopt
