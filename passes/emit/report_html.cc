#include "passes/emit/report_html.h"

#include <string_view>

#include "passes/emit/report_assets.h"
#include "passes/emit/report_json.h"
#include "passes/emit/report_paper.h"
#include "runtime/base/check.h"

namespace memopt {
namespace {

// The page's text up to its next placeholder; `page` becomes what follows it.
std::string_view take_until(std::string_view& page, std::string_view placeholder) {
  const size_t at = page.find(placeholder);
  MEMOPT_CHECK(at != std::string_view::npos);
  const std::string_view before = page.substr(0, at);
  page.remove_prefix(at + placeholder.size());
  return before;
}

// JSON in a script element must not contain "</script" or "<!--": in ASCII JSON a '<' only occurs
// inside strings, where it may be written as an escape.
void append_json_for_html(std::string& out, std::string_view json) {
  for (const char c : json) {
    if (c == '<') {
      out += "\\u003c";
    } else {
      out += c;
    }
  }
}

}  // namespace

std::string report_html(Report report) {
  // Differs by some bytes from one process to the next; equal plans give equal pages.
  report.bytes.runtime.reset();
  report.bytes.runtime_is_estimate = false;
  std::string_view page = kReportHtml;
  std::string out;
  out += take_until(page, "<!--{{report.css}}-->");
  out += kReportCss;
  out += take_until(page, "<!--{{paper}}-->");
  out += paper_tables_html(report);
  out += take_until(page, "<!--{{data}}-->");
  append_json_for_html(out, report_json(report, /*details=*/true, /*indent=*/-1));
  out += take_until(page, "<!--{{script}}-->");
  out += kReportScript;
  out += page;
  return out;
}

}  // namespace memopt
