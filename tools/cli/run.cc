#include "tools/cli/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "compiler/onnx/tensor_file.h"
#include "runtime/base/file.h"
#include "runtime/base/json_text.h"
#include "runtime/base/npy.h"
#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"
#include "runtime/executor/session.h"
#include "tools/cli/compare.h"
#include "tools/cli/files.h"
#include "tools/cli/output_names.h"
#include "tools/cli/plan_input.h"
#include "tools/cli/run_io.h"
#include "tools/cli/runtime_bytes.h"
#include "tools/cli/seeded.h"

namespace memopt {
namespace {

struct Options {
  std::string plan;
  std::vector<std::string> inputs, expected;
  std::string test_data;
  std::optional<double> rtol, atol, range_tolerance;
  int64_t repeat = 1;
  bool stream = false;
  int threads = 1;
  bool guard = false;
  bool copy_constants = false;
  std::string profile;
  std::string output_dir;
  uint64_t seed = Seeded().seed;
  bool json = false;

  Tolerance tolerance() const {
    if (!rtol && !atol && !range_tolerance) return kDefaultTolerance;
    return {atol.value_or(0), rtol.value_or(0), range_tolerance.value_or(0)};
  }
};

struct Checked {
  std::string name;
  Comparison comparison;
};

struct WrittenFile {
  std::string path;
  std::string output;  // whose elements it has, if it has any
};

// What one call of the tool found out.
struct Outcome {
  std::shared_ptr<const LoadedPlan> loaded;
  std::vector<RunInput> inputs;
  std::vector<Checked> checked;
  std::vector<WrittenFile> written;
  double load_ms = 0, create_ms = 0;
  std::vector<double> run_ms;
  std::optional<RuntimeBytes> runtime;
  std::optional<AllocationCounts> allocations;  // of all runs together
  std::optional<GuardReport> guard;
  int64_t peak_resident_bytes = 0;

  const Plan& plan() const { return loaded->plan(); }
  bool matches() const {
    return std::all_of(checked.begin(), checked.end(),
                       [](const Checked& output) { return output.comparison.ok(); });
  }
};

constexpr double kMostTolerance = 1e300;

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

int64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

Status run_repeatedly(Session& session, int64_t runs, const AllocationCounter* counter,
                      Recording& recording, Outcome& outcome) {
  AllocationCounts total;
  const bool counts = counter && counter->available();
  for (int64_t i = 0; i < runs; ++i) {
    for (size_t k = 0; k < outcome.inputs.size(); ++k) fill_input(session, k, outcome.inputs[k], i);
    outcome.run_ms.push_back(0);  // whatever memory it takes, it takes now
    if (counts) counter->start();
    const auto start = std::chrono::steady_clock::now();
    const Status status = session.run();
    outcome.run_ms.back() = ms_since(start);
    if (counts) {
      const AllocationCounts seen = counter->stop();
      total.memopt += seen.memopt;
      total.library += seen.library;
      total.library_bytes += seen.library_bytes;
      total.largest_library_bytes =
          std::max(total.largest_library_bytes, seen.largest_library_bytes);
    }
    MEMOPT_RETURN_IF_ERROR(status);
    recording.take(session, i, i + 1 == runs);
  }
  if (counts) outcome.allocations = total;
  return {};
}

// `path` is none of the files that "NAME=@FILE" names.
Status check_not_read(const std::string& path, const std::vector<std::string>& assignments) {
  for (const std::string& assignment : assignments) {
    const size_t at = assignment.find("=@");
    if (at == std::string::npos || !is_same_file(path, assignment.substr(at + 2))) continue;
    return Error{Code::kUsage, "--output-dir: '" + path + "' is also read (" + assignment +
                                   "): an input is never overwritten"};
  }
  return {};
}

// Writes every output, or none.
Status write_outputs(const Recording& recording, const Options& options, Outcome& outcome) {
  const std::string& folder = options.output_dir;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Error{Code::kOutOfResource, folder + ": cannot create: " + error.message()};
  if (!options.test_data.empty() && is_same_file(folder, options.test_data)) {
    return Error{Code::kUsage, "--output-dir: '" + folder + "' is the folder of --test-data"};
  }
  const Plan& plan = outcome.plan();
  const std::vector<std::string> names = output_file_names(plan);
  std::vector<AtomicFile> files;
  for (size_t k = 0; k < plan.outputs.size(); ++k) {
    const TensorData& tensor = recording.outputs()[k];
    const bool is_npy = npy_has_type(tensor.type.dtype);
    const std::string path = folder + '/' + names[k] + (is_npy ? ".npy" : ".pb");
    MEMOPT_RETURN_IF_ERROR(check_not_read(path, options.inputs));
    MEMOPT_RETURN_IF_ERROR(check_not_read(path, options.expected));
    MEMOPT_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
    MEMOPT_RETURN_IF_ERROR(is_npy ? write_npy(tensor, file) : write_tensor_pb(tensor, file));
    MEMOPT_RETURN_IF_ERROR(file.seal());
    files.push_back(std::move(file));
  }
  for (size_t k = 0; k < files.size(); ++k) {
    MEMOPT_RETURN_IF_ERROR(files[k].commit());
    outcome.written.push_back({files[k].path(), plan.values[plan.outputs[k]].name});
  }
  return {};
}

Status execute(const Options& options, const AllocationCounter* counter, Outcome& outcome) {
  LoadOptions load_options;
  if (options.copy_constants) load_options.mode = LoadMode::kCopy;
  RuntimeMeter meter(counter);
  MEMOPT_ASSIGN_OR_RETURN(const PlanInput input, PlanInput::open(options.plan));
  auto start = std::chrono::steady_clock::now();
  meter.begin();
  MEMOPT_ASSIGN_OR_RETURN(outcome.loaded, input.load(load_options));
  meter.end_of_load();
  outcome.load_ms = ms_since(start);
  const Plan& plan = outcome.plan();

  TestData test_data;
  if (!options.test_data.empty()) {
    MEMOPT_ASSIGN_OR_RETURN(test_data, read_test_data(options.test_data));
  }
  MEMOPT_ASSIGN_OR_RETURN(outcome.inputs, resolve_inputs(plan, options.inputs, test_data,
                                                         options.seed, options.stream));
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<Expectation> expectations,
                          resolve_expectations(plan, options.expected, test_data));

  // Exactly what the plan asks for; guarded, an overrun ends the process.
  const int64_t alignment = plan.arena_alignment;
  MEMOPT_ASSIGN_OR_RETURN(const PageBuffer arena,
                          options.guard&& alignment <= 4096
                              ? PageBuffer::allocate_fenced(plan.arena_bytes, alignment)
                              : PageBuffer::allocate(plan.arena_bytes));
  meter.begin();
  start = std::chrono::steady_clock::now();
  MEMOPT_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                          Session::create(outcome.loaded, arena.bytes(),
                                          {.threads = options.threads,
                                           .guard = options.guard,
                                           .profile = !options.profile.empty()}));
  outcome.create_ms = ms_since(start);
  meter.end_of_session();
  outcome.runtime = meter.bytes();
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<PageBuffer> buffers, bind_buffers(*session));
  std::optional<int64_t> streamed;
  if (options.stream) {
    MEMOPT_ASSIGN_OR_RETURN(streamed, stream_runs(plan, outcome.inputs));
  }
  MEMOPT_ASSIGN_OR_RETURN(Recording recording, Recording::create(plan, streamed));
  MEMOPT_RETURN_IF_ERROR(
      run_repeatedly(*session, streamed.value_or(options.repeat), counter, recording, outcome));
  outcome.peak_resident_bytes = peak_resident_bytes();

  for (const Expectation& expectation : expectations) {
    const TensorData& got = recording.outputs()[expectation.output];
    outcome.checked.push_back({plan.values[plan.outputs[expectation.output]].name,
                               compare(got, expectation.expected.tensor,
                                       expectation.expected.stride, options.tolerance())});
  }
  if (session->guard_report()) outcome.guard = *session->guard_report();
  if (!options.profile.empty()) {
    MEMOPT_RETURN_IF_ERROR(write_file(options.profile, to_trace(plan, *session->profile())));
    outcome.written.push_back({options.profile, ""});
  }
  if (!options.output_dir.empty()) {
    MEMOPT_RETURN_IF_ERROR(write_outputs(recording, options, outcome));
  }
  return {};
}

// --- printing ---

struct Times {
  double first = 0, least = 0, mean = 0;
};

Times times_of(const std::vector<double>& run_ms) {
  Times times{run_ms.front(), run_ms.front(), 0};
  for (const double ms : run_ms) {
    times.least = std::min(times.least, ms);
    times.mean += ms / static_cast<double>(run_ms.size());
  }
  return times;
}

std::string type_of(const PlanValue& value) {
  return to_string(TensorType{value.dtype, value.dims, value.layout});
}

std::string milliseconds(double ms) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3f ms", ms);
  return text;
}

void print_text(const Outcome& outcome, std::ostream& out) {
  const Plan& plan = outcome.plan();
  for (size_t k = 0; k < plan.inputs.size(); ++k) {
    const PlanValue& value = plan.values[plan.inputs[k]];
    out << "input   " << printable(value.name) << "  " << type_of(value) << "  "
        << printable(outcome.inputs[k].source) << '\n';
  }
  for (const uint32_t index : plan.outputs) {
    out << "output  " << printable(plan.values[index].name) << "  " << type_of(plan.values[index])
        << '\n';
  }
  const Times times = times_of(outcome.run_ms);
  for (const PlanState& state : plan.states) {
    const PlanValue& value = plan.values[state.before];
    out << "state   " << printable(value.name) << "  " << type_of(value) << '\n';
  }
  out << "arena      " << both_sizes_text(plan.arena_bytes) << "\nconstants  "
      << both_sizes_text(plan.constants_bytes);
  if (plan.state_bytes > 0) out << "\nstate      " << both_sizes_text(plan.state_bytes);
  out << "\nruntime    " << runtime_text(outcome.runtime)
      << "\npeak resident memory of this process  " << both_sizes_text(outcome.peak_resident_bytes)
      << "\nload " << milliseconds(outcome.load_ms) << ", kernels "
      << milliseconds(outcome.create_ms) << ", first run " << milliseconds(times.first);
  if (outcome.run_ms.size() > 1) {
    out << "; " << outcome.run_ms.size() << " runs: least " << milliseconds(times.least)
        << ", mean " << milliseconds(times.mean);
  }
  out << '\n';
  if (outcome.allocations) {
    const AllocationCounts& counts = *outcome.allocations;
    out << "heap allocations in " << outcome.run_ms.size()
        << (outcome.run_ms.size() == 1 ? " run" : " runs") << ": memopt " << counts.memopt
        << ", kernel library " << counts.library << " (" << both_sizes_text(counts.library_bytes)
        << ", largest " << both_sizes_text(counts.largest_library_bytes) << ")\n";
  }
  if (outcome.guard) {
    out << "guard: " << outcome.guard->steps << " steps without a violation; used up to byte "
        << outcome.guard->reserved_bytes << " of " << plan.arena_bytes << ", written up to byte "
        << outcome.guard->high_water_bytes << '\n';
  }
  for (const Checked& checked : outcome.checked) {
    out << printable(checked.name) << ": " << to_string(checked.comparison) << '\n';
  }
  for (const WrittenFile& file : outcome.written) {
    out << "wrote " << printable(file.path);
    if (!file.output.empty()) out << " (" << printable(file.output) << ')';
    out << '\n';
  }
}

void print_json(const Outcome& outcome, std::ostream& out) {
  using json = nlohmann::ordered_json;
  const Plan& plan = outcome.plan();
  const auto describe = [&](uint32_t index) {
    const PlanValue& value = plan.values[index];
    return json{{"name", value.name},
                {"dtype", dtype_name(value.dtype)},
                {"shape", std::vector<int64_t>(value.dims.begin(), value.dims.end())},
                {"bytes", value.bytes},
                {"storage", storage_name(value.storage)}};
  };
  json result = {{"schema", 1}, {"inputs", json::array()}, {"outputs", json::array()}};
  for (size_t k = 0; k < plan.inputs.size(); ++k) {
    json input = describe(plan.inputs[k]);
    input["source"] = outcome.inputs[k].source;
    result["inputs"].push_back(std::move(input));
  }
  for (const uint32_t index : plan.outputs) result["outputs"].push_back(describe(index));
  result["states"] = json::array();
  for (const PlanState& state : plan.states) result["states"].push_back(describe(state.before));
  const Times times = times_of(outcome.run_ms);
  result["arena_bytes"] = plan.arena_bytes;
  result["constants_bytes"] = plan.constants_bytes;
  result["state_bytes"] = plan.state_bytes;
  result["runtime_bytes"] = outcome.runtime ? json(outcome.runtime->total()) : json();
  result["peak_resident_bytes"] = outcome.peak_resident_bytes;
  result["load_ms"] = outcome.load_ms;
  result["create_ms"] = outcome.create_ms;
  result["runs"] = outcome.run_ms.size();
  result["first_run_ms"] = times.first;
  result["least_run_ms"] = times.least;
  result["mean_run_ms"] = times.mean;
  if (outcome.allocations) {
    result["allocations"] = {{"memopt", outcome.allocations->memopt},
                             {"library", outcome.allocations->library},
                             {"library_bytes", outcome.allocations->library_bytes},
                             {"largest_library_bytes", outcome.allocations->largest_library_bytes}};
  }
  if (outcome.guard) {
    result["guard"] = {{"steps", outcome.guard->steps},
                       {"reserved_bytes", outcome.guard->reserved_bytes},
                       {"high_water_bytes", outcome.guard->high_water_bytes}};
  }
  result["compared"] = json::array();
  for (const Checked& checked : outcome.checked) {
    const Comparison& comparison = checked.comparison;
    result["compared"].push_back({{"name", checked.name},
                                  {"ok", comparison.ok()},
                                  {"problem", comparison.problem},
                                  {"elements", comparison.elements},
                                  {"differing", comparison.differing},
                                  {"largest_error", comparison.largest_error},
                                  {"range", comparison.range}});
  }
  result["files"] = json::array();
  for (const WrittenFile& file : outcome.written) result["files"].push_back(file.path);
  out << json_text(result) << '\n';
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("plan", options.plan, "Plan file; - reads standard input")
      ->required()
      ->type_name(kInputFileOrStdin);
  app.add_option("--input", options.inputs,
                 "NAME=SOURCE: random, zeros, @FILE.npy or @FILE.pb. Inputs that are not given are "
                 "random (repeatable)")
      ->type_name(kNamedInput);
  app.add_option("--expected", options.expected,
                 "NAME=@FILE.npy or @FILE.pb: compare this output; status 7 if it differs "
                 "(repeatable)")
      ->type_name(kNamedInput);
  app.add_option("--test-data", options.test_data,
                 "Folder with input_K.pb and output_K.pb, as ONNX's own test_data_set_K")
      ->type_name(kFolder);
  app.add_option("--rtol", options.rtol,
                 "Allowed error relative to each expected element, as numpy.allclose: |got - "
                 "expected| <= ATOL + RTOL |expected| (default: 0)")
      ->check(number_between(0, kMostTolerance));
  app.add_option("--atol", options.atol, "Allowed absolute error, on top (default: 0)")
      ->check(number_between(0, kMostTolerance));
  app.add_option("--range-tol", options.range_tolerance,
                 "Allowed error relative to the largest expected magnitude of the output, on top "
                 "(default: 0.001 without --rtol and --atol, else 0)")
      ->check(number_between(0, kMostTolerance));
  auto* const repeat = app.add_option("--repeat", options.repeat,
                                      "Number of runs; states that the plan keeps live on from "
                                      "each to the next")
                           ->check(integer_between(1, 1000000000));
  app.add_flag("--stream", options.stream,
               "One run per entry of the leading dimension that every input from a file has more; "
               "outputs are written and compared with that dimension too")
      ->excludes(repeat);
  app.add_option("--threads", options.threads, "Threads, this one included")
      ->check(integer_between(1, 1024));
  app.add_flag("--guard", options.guard,
               "Check every byte that every kernel touches and every result that it must write, "
               "with NaN in all dead memory, running each kernel twice; slow");
  app.add_flag("--copy-constants", options.copy_constants,
               "Copy the constants into memory instead of using them where the file is mapped");
  app.add_option("--profile", options.profile,
                 "Write the last run as a trace for ui.perfetto.dev: time and live bytes per step")
      ->type_name(kOutputFile);
  app.add_option(
         "--output-dir", options.output_dir,
         "Write the outputs to this folder, each as NAME.npy, or NAME.pb where NumPy has no "
         "such type; output_K where the name is no plain file name or is taken")
      ->type_name(kFolder);
  app.add_option("--seed", options.seed, "Of random inputs")->check(integer_between(0, kMostSeed));
  app.add_flag("--json", options.json, "Print the result as JSON");
}

}  // namespace

int run_run(const Arguments& arguments, std::ostream& out, std::ostream& err,
            const AllocationCounter* counter) {
  Options options;
  const auto app = make_app("run", "Runs a plan, compares its outputs and measures.");
  add_options(*app, options);
  if (const auto exit = parse_arguments(*app, arguments, out, err)) return *exit;
  Outcome outcome;
  const Status status = execute(options, counter, outcome);
  if (!status.ok()) return report_error(*app, status.error(), err);
  options.json ? print_json(outcome, out) : print_text(outcome, out);
  return outcome.matches() ? 0 : static_cast<int>(Code::kAccuracyFailed);
}

}  // namespace memopt
