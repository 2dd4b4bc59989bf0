#include "tools/cli/app.h"

#include <algorithm>
#include <iostream>

#include "runtime/base/caught.h"
#include "tools/cli/shrunk_file.h"

namespace memopt {

std::unique_ptr<CLI::App> make_app(std::string_view name, std::string_view summary) {
  auto app = std::make_unique<CLI::App>(std::string(summary), "memopt-" + std::string(name));
  app->set_version_flag("--version", "memopt " MEMOPT_VERSION);
  app->option_defaults()->always_capture_default();
  app->get_formatter()->column_width(38);
  return app;
}

std::optional<int> parse_arguments(CLI::App& app, const Arguments& arguments, std::ostream& out,
                                   std::ostream& err) {
  try {
    Arguments reversed(arguments.rbegin(), arguments.rend());  // what CLI11 expects
    app.parse(std::move(reversed));
    return std::nullopt;
  } catch (const CLI::Success& success) {
    return app.exit(success, out, err);
  } catch (const CLI::ParseError& error) {
    err << app.get_name() << ": error: " << error.what() << "\nRun with --help for the options.\n";
    return static_cast<int>(Code::kUsage);
  }
}

int report_error(const CLI::App& app, const Error& error, std::ostream& err) {
  err << app.get_name() << ": error: " << error.message << '\n';
  return static_cast<int>(error.code);
}

int tool_main(ToolFunction tool, int argc, const char* const* argv) {
  exit_where_files_shrink();
  try {
    return tool(Arguments(argv + 1, argv + argc), std::cout, std::cerr);
  } catch (...) {
    char reason[512];
    const Code code = describe_caught(reason);
    std::cerr << argv[0] << (code == Code::kInternal ? ": internal error: " : ": error: ") << reason
              << '\n';
    return static_cast<int>(code);
  }
}

std::optional<std::pair<std::string, std::string>> split_assignment(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return std::nullopt;
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace memopt
