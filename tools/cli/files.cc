#include "tools/cli/files.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

namespace memopt {
namespace {

// What is at a path, or would be: a file that is not there is known by its folder and its name.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  std::string name;
  bool operator==(const FileId&) const = default;
};

// None: a device, which any number of options may write to, or no place for a file.
std::optional<FileId> identity_of(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISCHR(info.st_mode)) return std::nullopt;
    return FileId{info.st_dev, info.st_ino, ""};
  }
  const std::filesystem::path file(path);
  const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
  if (::stat(folder.c_str(), &info) != 0) return std::nullopt;
  return FileId{info.st_dev, info.st_ino, file.filename().string()};
}

bool is_stream(const std::string& path) { return path == "-"; }

struct NamedFile {
  std::string option;
  std::string path;
};
struct Files {
  std::vector<NamedFile> inputs, outputs;
};

Error usage(const NamedFile& file, const std::string& what) {
  return {Code::kUsage, file.option + ": '" + file.path + "' " + what};
}

// Files the values of an option under what they are.
Status add_values(const CLI::Option& option, Files& files) {
  const std::string type = option.get_type_name();
  for (const std::string& value : option.results()) {
    NamedFile file{option.get_name(), value};
    if (type == kNamedInput) {
      const size_t at = value.find("=@");
      if (at == std::string::npos) continue;
      file.path = value.substr(at + 2);
    }
    const bool is_output = type == kOutputFile || type == kOutputFileOrStdout;
    const bool is_input = type == kInputFile || type == kInputFileOrStdin || type == kNamedInput;
    if (!is_input && !is_output) continue;
    if (file.path.empty()) return usage(file, "is no name of a file");
    if (is_stream(file.path) && type != kInputFileOrStdin && type != kOutputFileOrStdout) {
      return usage(file, is_output ? "is not taken here: for standard output give /dev/stdout"
                                   : "is not taken here: give the name of a file");
    }
    (is_output ? files.outputs : files.inputs).push_back(std::move(file));
  }
  return {};
}

}  // namespace

bool is_same_file(const std::string& a, const std::string& b) {
  if (is_stream(a) || is_stream(b)) return a == b;
  const std::optional<FileId> identity = identity_of(a);
  return identity && identity == identity_of(b);
}

Status check_files(const CLI::App& app) {
  Files files;
  for (const CLI::Option* option : app.get_options()) {
    MEMOPT_RETURN_IF_ERROR(add_values(*option, files));
  }
  for (const CLI::App* sub : app.get_subcommands()) {
    for (const CLI::Option* option : sub->get_options()) {
      MEMOPT_RETURN_IF_ERROR(add_values(*option, files));
    }
  }
  for (size_t i = 0; i < files.outputs.size(); ++i) {
    const NamedFile& output = files.outputs[i];
    for (const NamedFile& input : files.inputs) {
      if (is_stream(output.path) || !is_same_file(output.path, input.path)) continue;
      return usage(output, "is also read (" + input.option + "): an input is never overwritten");
    }
    for (size_t k = 0; k < i; ++k) {
      const NamedFile& other = files.outputs[k];
      if (is_same_file(output.path, other.path)) {
        return usage(output, "is also written by " + other.option + ": give each its own file");
      }
    }
  }
  int streams = 0;
  for (const NamedFile& input : files.inputs) {
    if (is_stream(input.path) && ++streams > 1) {
      return usage(input, "is standard input, which can be read once");
    }
  }
  return {};
}

}  // namespace memopt
