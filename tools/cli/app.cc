#include "tools/cli/app.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <utility>

#include "runtime/base/caught.h"
#include "runtime/base/printable.h"
#include "tools/cli/files.h"
#include "tools/cli/shrunk_file.h"
#include "tools/cli/signals.h"

namespace memopt {

std::unique_ptr<CLI::App> make_app(std::string_view name, std::string_view summary) {
  auto app = std::make_unique<CLI::App>(std::string(summary), "memopt-" + std::string(name));
  app->set_version_flag("--version", "memopt " MEMOPT_VERSION);
  app->option_defaults()->always_capture_default();
  app->get_formatter()->column_width(38);
  return app;
}

namespace {

// CLI11 would take the next argument for the value of `--option=`.
std::optional<std::string> option_without_value(const Arguments& arguments) {
  for (const std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      return argument.substr(0, argument.size() - 1);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> parse_arguments(CLI::App& app, const Arguments& arguments, std::ostream& out,
                                   std::ostream& err) {
  if (const auto option = option_without_value(arguments)) {
    return report_error(app, {Code::kUsage, *option + "= needs a value behind the sign"}, err);
  }
  try {
    Arguments reversed(arguments.rbegin(), arguments.rend());  // what CLI11 expects
    app.parse(std::move(reversed));
  } catch (const CLI::Success& success) {
    return app.exit(success, out, err);
  } catch (const CLI::ParseError& error) {
    return report_error(
        app, {Code::kUsage, std::string(error.what()) + "; --help tells the options"}, err);
  }
  if (const Status status = check_files(app); !status.ok()) {
    return report_error(app, status.error(), err);
  }
  return std::nullopt;
}

int report_error(const CLI::App& app, const Error& error, std::ostream& err) {
  constexpr size_t kMostColumns = 4000;  // of a name, say, that a file gives
  err << app.get_name() << ": error: " << printable(error.message, kMostColumns) << '\n';
  return static_cast<int>(error.code);
}

namespace {

// Opens what the caller has closed of standard input, output and error, so that no file gets their
// numbers; reading and writing fail as before.
void reserve_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) != -1) continue;
    ::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int guarded(ToolFunction tool, int argc, const char* const* argv) {
  try {
    return tool(Arguments(argv + 1, argv + argc), std::cout, std::cerr);
  } catch (...) {
    char reason[512];
    const Code code = describe_caught(reason);
    if (code == Code::kInternal) {
      std::cerr << argv[0] << ": internal error: " << printable(reason) << '\n';
    } else {  // without memory, maybe
      std::cerr << argv[0] << ": error: " << reason << '\n';
    }
    return static_cast<int>(code);
  }
}

}  // namespace

int tool_main(ToolFunction tool, int argc, const char* const* argv) {
  reserve_standard_streams();
  clean_up_on_signals();
  exit_where_files_shrink();
  const int status = guarded(tool, argc, argv);
  if (std::cout.flush()) return status;
  std::cerr << argv[0] << ": error: standard output: cannot write\n";
  return status == 0 ? static_cast<int>(Code::kOutOfResource) : status;
}

CLI::Validator number_between(double least, double most) {
  const auto text_of = [](double number) {
    char text[32];
    std::snprintf(text, sizeof(text), "%g", number);
    return std::string(text);
  };
  const std::string range = text_of(least) + " to " + text_of(most);
  const auto check = [=](const std::string& text) -> std::string {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    const bool is_good =
        parsed.ec == std::errc() && parsed.ptr == end && number >= least && number <= most;
    return is_good ? "" : "needed a number from " + range + ", found '" + text + "'";
  };
  return CLI::Validator(check, range);
}

CLI::Validator integer_between(int64_t least, uint64_t most) {
  const std::string range = std::to_string(least) + " to " + std::to_string(most);
  const auto check = [=](const std::string& text) -> std::string {
    const auto is_all = [&](auto& number) {
      const char* const end = text.data() + text.size();
      const auto parsed = std::from_chars(text.data(), end, number);
      return parsed.ec == std::errc() && parsed.ptr == end;
    };
    int64_t below = 0;
    uint64_t number = 0;
    const bool is_good = text.starts_with('-') ? is_all(below) && below >= least
                                               : is_all(number) && number <= most &&
                                                     std::cmp_greater_equal(number, least);
    return is_good ? "" : "needed a whole number from " + range + ", found '" + text + "'";
  };
  return CLI::Validator(check, range);
}

std::optional<std::pair<std::string, std::string>> split_assignment(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return std::nullopt;
  return std::pair{text.substr(0, equals), text.substr(equals + 1)};
}

}  // namespace memopt
