#include "tools/cli/bench.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "passes/analysis/cost.h"
#include "runtime/base/file.h"
#include "runtime/base/json_text.h"
#include "runtime/base/printable.h"
#include "runtime/base/size_text.h"
#include "runtime/executor/session.h"
#include "tools/cli/files.h"
#include "tools/cli/plan_input.h"
#include "tools/cli/run_io.h"
#include "tools/cli/runtime_bytes.h"
#include "tools/cli/seeded.h"

namespace memopt {
namespace {

struct Flags {
  std::vector<std::string> plans;
  std::string calibrate;
  int threads = 1;
  int warmup = 2;
  int repeat = 20;
  bool kernels = false;
  bool json = false;
};

struct Measured {
  double load_ms = 0;          // mapping, checking and verifying the plan
  double create_ms = 0;        // making the kernels
  std::vector<double> run_ms;  // ascending
  std::optional<RuntimeBytes> runtime;
  int64_t peak_resident_bytes = 0;
  std::map<std::string, double> kernel_ms;  // per kernel, of one run on average
  std::vector<CostSample> samples;          // per step, of one run on average
};

class Stopwatch {
 public:
  double ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

// The work of a step as the compiler sees it: packed weights count as the tensors they were made
// of.
StepWork work_of(const Plan& plan, const PlanInstruction& instruction) {
  const auto types_of = [&](const std::vector<std::optional<uint32_t>>& operands) {
    std::vector<std::optional<TensorType>> types;
    for (const auto& operand : operands) {
      types.emplace_back();
      if (!operand) continue;
      types.back() = {.dtype = plan.values[*operand].dtype, .dims = plan.values[*operand].dims};
    }
    return types;
  };
  const auto pointers = [](const std::vector<std::optional<TensorType>>& types) {
    std::vector<const TensorType*> result;
    result.reserve(types.size());
    for (const auto& type : types) result.push_back(type ? &*type : nullptr);
    return result;
  };
  const auto inputs = types_of(instruction.inputs);
  const auto outputs = types_of(instruction.outputs);
  return step_work(instruction.op, pointers(inputs), pointers(outputs));
}

Result<Measured> measure(const Flags& flags, const std::string& path,
                         const AllocationCounter* counter) {
  const bool profile_steps = flags.kernels || !flags.calibrate.empty();
  Measured measured;
  RuntimeMeter meter(counter);
  MEMOPT_ASSIGN_OR_RETURN(const PlanInput input, PlanInput::open(path));
  meter.begin();
  Stopwatch load;
  MEMOPT_ASSIGN_OR_RETURN(const auto loaded, input.load());
  measured.load_ms = load.ms();
  meter.end_of_load();
  const Plan& plan = loaded->plan();
  MEMOPT_ASSIGN_OR_RETURN(const PageBuffer arena, PageBuffer::allocate(plan.arena_bytes));
  meter.begin();
  Stopwatch create;
  MEMOPT_ASSIGN_OR_RETURN(
      const auto session,
      Session::create(loaded, arena.bytes(), {.threads = flags.threads, .profile = profile_steps}));
  measured.create_ms = create.ms();
  meter.end_of_session();
  measured.runtime = meter.bytes();
  MEMOPT_ASSIGN_OR_RETURN(const std::vector<PageBuffer> buffers, bind_buffers(*session));
  for (int i = 0; i < flags.warmup + flags.repeat; ++i) {
    for (size_t input = 0; input < plan.inputs.size(); ++input) {
      const PlanValue& value = plan.values[plan.inputs[input]];
      fill_input(
          *session, input,
          seeded_tensor({.dtype = value.dtype, .dims = value.dims}, default_seeded(value.dtype)));
    }
    Stopwatch run;
    MEMOPT_RETURN_IF_ERROR(session->run());
    if (i >= flags.warmup) measured.run_ms.push_back(run.ms());
  }
  std::sort(measured.run_ms.begin(), measured.run_ms.end());
  if (const Profile* profile = session->profile()) {
    for (size_t i = 0; i < plan.instructions.size(); ++i) {
      const PlanInstruction& step = plan.instructions[i];
      const double ns =
          static_cast<double>(profile->steps[i].total_ns) / static_cast<double>(profile->runs);
      measured.kernel_ms[step.kernel] += ns * 1e-6;
      measured.samples.push_back({.kernel = step.kernel, .work = work_of(plan, step), .ns = ns});
    }
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  measured.peak_resident_bytes = int64_t{usage.ru_maxrss} * 1024;
  return measured;
}

void print(const Flags& flags, const Measured& measured, std::ostream& out) {
  const double median = measured.run_ms[measured.run_ms.size() / 2];
  if (flags.json) {
    using nlohmann::json;
    out << json_text(
               json{{"schema", "memopt.bench/1"},
                    {"threads", flags.threads},
                    {"load_ms", measured.load_ms},
                    {"create_ms", measured.create_ms},
                    {"run_ms_min", measured.run_ms.front()},
                    {"run_ms_median", median},
                    {"run_ms_max", measured.run_ms.back()},
                    {"runtime_bytes", measured.runtime ? json(measured.runtime->total()) : json()},
                    {"peak_resident_bytes", measured.peak_resident_bytes},
                    {"kernel_ms", measured.kernel_ms}})
        << '\n';
    return;
  }
  out << "load     " << measured.load_ms << " ms\nkernels  " << measured.create_ms
      << " ms\nrun      " << measured.run_ms.front() << " ms min, " << median << " ms median, "
      << measured.run_ms.back() << " ms max of " << measured.run_ms.size() << " runs, "
      << flags.threads << " thread(s)\nruntime  " << runtime_text(measured.runtime) << "\nresident "
      << both_sizes_text(measured.peak_resident_bytes) << " at most\n";
  std::vector<std::pair<double, std::string>> by_time;
  for (const auto& [kernel, ms] : measured.kernel_ms) by_time.emplace_back(ms, kernel);
  std::sort(by_time.rbegin(), by_time.rend());
  for (const auto& [ms, kernel] : by_time) out << "  " << ms << " ms  " << kernel << '\n';
}

// How well the model tells the time of a plan that it was fitted to.
void print_fit(const CostModel& model, const std::string& path, const Measured& measured,
               std::ostream& out) {
  double predicted = 0, seen = 0;
  for (const CostSample& sample : measured.samples) {
    predicted += model.rate(sample.kernel).predict_ns(sample.work);
    seen += sample.ns;
  }
  out << printable(path) << ": " << seen * 1e-6 << " ms measured, " << predicted * 1e-6
      << " ms predicted\n";
}

Status calibrate(const Flags& flags, const AllocationCounter* counter, std::ostream& out) {
  std::vector<CostSample> samples;
  std::vector<Measured> all;
  for (const std::string& path : flags.plans) {
    MEMOPT_ASSIGN_OR_RETURN(Measured measured, measure(flags, path, counter));
    samples.insert(samples.end(), measured.samples.begin(), measured.samples.end());
    all.push_back(std::move(measured));
  }
  const CostModel model = fit_cost_model(samples);
  MEMOPT_RETURN_IF_ERROR(write_file(flags.calibrate, cost_model_json(model)));
  for (size_t i = 0; i < all.size(); ++i) print_fit(model, flags.plans[i], all[i], out);
  return {};
}

Status time_plan(const Flags& flags, const AllocationCounter* counter, std::ostream& out) {
  if (flags.plans.size() != 1) {
    return Error{Code::kUsage, "needed one plan, found " + std::to_string(flags.plans.size())};
  }
  MEMOPT_ASSIGN_OR_RETURN(const Measured measured, measure(flags, flags.plans[0], counter));
  print(flags, measured, out);
  return {};
}

}  // namespace

int run_bench(const Arguments& arguments, std::ostream& out, std::ostream& err,
              const AllocationCounter* counter) {
  Flags flags;
  const auto app = make_app("bench", "Times a plan with seeded inputs.");
  app->add_option("plan", flags.plans,
                  "plan file, - reads standard input; several with --calibrate")
      ->required()
      ->type_name(kInputFileOrStdin);
  app->add_option("--calibrate", flags.calibrate,
                  "write a cost model fitted to the steps of these plans, for memopt-compile "
                  "--cost-model")
      ->type_name(kOutputFile);
  app->add_option("--threads", flags.threads, "threads, this one included")
      ->check(integer_between(1, 1024));
  app->add_option("--warmup", flags.warmup, "runs before those that count")
      ->check(integer_between(0, 1000000));
  app->add_option("--repeat", flags.repeat, "runs that count")->check(integer_between(1, 1000000));
  app->add_flag("--kernels", flags.kernels, "also the time of each kernel");
  app->add_flag("--json", flags.json, "print the result as JSON");
  if (const auto status = parse_arguments(*app, arguments, out, err)) return *status;
  const Status status =
      flags.calibrate.empty() ? time_plan(flags, counter, out) : calibrate(flags, counter, out);
  if (!status.ok()) return report_error(*app, status.error(), err);
  return 0;
}

}  // namespace memopt
