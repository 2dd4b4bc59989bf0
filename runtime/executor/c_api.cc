// The C API: arguments checked, exceptions stopped, messages kept per thread, one thread at a time
// in a session.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include "memopt/memopt.h"
#include "runtime/base/caught.h"
#include "runtime/base/file.h"
#include "runtime/executor/session.h"
#include "runtime/plan/load.h"

struct memopt_plan {
  std::shared_ptr<const memopt::LoadedPlan> loaded;
};
struct memopt_session {
  std::unique_ptr<memopt::Session> session;
  mutable std::atomic<bool> in_use = false;
};

namespace memopt {
namespace {

// Of fixed size: a message about a lack of memory needs none.
thread_local char last_error[1024];

// A message that is too long ends in dots, and not within a character.
memopt_status fail(Code code, std::string_view message) noexcept {
  constexpr std::string_view kDots = "...";
  size_t length = message.size();
  if (length >= sizeof(last_error)) {
    length = sizeof(last_error) - 1 - kDots.size();
    while (length > 0 && (static_cast<unsigned char>(message[length]) & 0xc0) == 0x80) --length;
  }
  std::memmove(last_error, message.data(), length);
  size_t end = length;
  if (length < message.size()) end += kDots.copy(last_error + length, kDots.size());
  last_error[end] = '\0';
  return static_cast<memopt_status>(code);
}

memopt_status fail(const Error& error) noexcept { return fail(error.code, error.message); }
memopt_status usage(std::string_view message) noexcept { return fail(Code::kUsage, message); }

memopt_status report(const Status& status) noexcept {
  return status.ok() ? MEMOPT_OK : fail(status.error());
}

// Runs `body`; nothing that is thrown leaves.
template <typename F>
memopt_status guarded(F&& body) noexcept {
  try {
    return body();
  } catch (...) {
    return static_cast<memopt_status>(describe_caught(last_error));
  }
}

// `body` with the plan.
template <typename F>
memopt_status with_plan(const memopt_plan* plan, F&& body) noexcept {
  if (!plan) return usage("plan is NULL");
  return guarded([&] { return body(plan->loaded->plan()); });
}

// What `get` finds in the plan; 0 without one.
template <typename F>
size_t size_of(const memopt_plan* plan, F&& get) noexcept {
  if (!plan) return usage("plan is NULL"), 0;
  return static_cast<size_t>(get(plan->loaded->plan()));
}

// `body` with the session, which no other thread enters meanwhile.
template <typename F>
memopt_status with_session(const memopt_session* session, F&& body) noexcept {
  if (!session) return usage("session is NULL");
  if (session->in_use.exchange(true, std::memory_order_acquire)) {
    return usage("the session is in use by another thread; give each thread a session of its own");
  }
  const memopt_status status = guarded([&] { return body(*session->session); });
  session->in_use.store(false, std::memory_order_release);
  return status;
}

// What `get` finds for one of `list`, a member of Plan; NULL, with a message, where there is no
// such index.
template <typename Handle, typename List, typename F>
auto data_of(Handle* session, size_t index, List Plan::*list, const char* kind, F&& get) noexcept {
  decltype(get(*session->session)) data = nullptr;
  with_session(session, [&](auto& entered) {
    if (index >= (entered.plan().*list).size()) return usage(std::string("no such ") + kind);
    data = get(entered);
    return MEMOPT_OK;
  });
  return data;
}

memopt_dtype to_c(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return MEMOPT_FLOAT32;
    case DType::kF64:
      return MEMOPT_FLOAT64;
    case DType::kF16:
      return MEMOPT_FLOAT16;
    case DType::kBF16:
      return MEMOPT_BFLOAT16;
    case DType::kF8E4M3FN:
      return MEMOPT_FLOAT8E4M3FN;
    case DType::kF8E4M3FNUZ:
      return MEMOPT_FLOAT8E4M3FNUZ;
    case DType::kF8E5M2:
      return MEMOPT_FLOAT8E5M2;
    case DType::kF8E5M2FNUZ:
      return MEMOPT_FLOAT8E5M2FNUZ;
    case DType::kF8E8M0:
      return MEMOPT_FLOAT8E8M0;
    case DType::kF4E2M1:
      return MEMOPT_FLOAT4E2M1;
    case DType::kI8:
      return MEMOPT_INT8;
    case DType::kI16:
      return MEMOPT_INT16;
    case DType::kI32:
      return MEMOPT_INT32;
    case DType::kI64:
      return MEMOPT_INT64;
    case DType::kU8:
      return MEMOPT_UINT8;
    case DType::kU16:
      return MEMOPT_UINT16;
    case DType::kU32:
      return MEMOPT_UINT32;
    case DType::kU64:
      return MEMOPT_UINT64;
    case DType::kI4:
      return MEMOPT_INT4;
    case DType::kU4:
      return MEMOPT_UINT4;
    case DType::kI2:
      return MEMOPT_INT2;
    case DType::kU2:
      return MEMOPT_UINT2;
    case DType::kBool:
      return MEMOPT_BOOL;
    case DType::kC64:
      return MEMOPT_COMPLEX64;
    case DType::kC128:
      return MEMOPT_COMPLEX128;
  }
  return MEMOPT_FLOAT32;
}

using Indices = std::vector<uint32_t>;

memopt_status describe(const Plan& plan, const Indices& list, size_t index,
                       memopt_tensor_info* info) {
  if (!info) return usage("info is NULL");
  if (index >= list.size()) {
    return usage("index " + std::to_string(index) + " of " + std::to_string(list.size()));
  }
  const PlanValue& value = plan.values[list[index]];
  *info = {};
  info->name = value.name.c_str();
  info->dtype = to_c(value.dtype);
  info->rank = value.dims.rank();
  for (int i = 0; i < value.dims.rank(); ++i) {
    info->dims[i] = value.dims[i];
    info->strides[i] = value.strides[i];
  }
  info->bytes = static_cast<size_t>(value.bytes);
  info->in_caller_memory = value.storage == Storage::kCaller ? 1 : 0;
  return MEMOPT_OK;
}

memopt_status find(const Plan& plan, const Indices& list, const char* name, size_t* index) {
  if (!name || !index) return usage("name or index is NULL");
  std::string known;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string& candidate = plan.values[list[i]].name;
    if (candidate == name) {
      *index = i;
      return MEMOPT_OK;
    }
    known += (known.empty() ? "'" : ", '") + candidate + "'";
  }
  return usage("no tensor '" + std::string(name) + "'; there are " + known);
}

Indices states_of(const Plan& plan) {
  Indices values;
  for (const PlanState& state : plan.states) values.push_back(state.before);
  return values;
}

template <typename Load>
memopt_status load(const void* source, std::string_view without_source, uint32_t flags,
                   memopt_plan** plan, Load&& load_with) {
  return guarded([&] {
    if (!plan) return usage("plan is NULL");
    *plan = nullptr;
    if (!source) return usage(without_source);
    if (flags > (MEMOPT_LOAD_COPY | MEMOPT_LOAD_VERIFY_CONSTANTS)) return usage("unknown flags");
    LoadOptions options;
    options.mode = flags & MEMOPT_LOAD_COPY ? LoadMode::kCopy : LoadMode::kMap;
    options.verify_constants = (flags & MEMOPT_LOAD_VERIFY_CONSTANTS) != 0;
    auto loaded = load_with(options);
    if (!loaded.ok()) return fail(loaded.error());
    *plan = new memopt_plan{*std::move(loaded)};
    return MEMOPT_OK;
  });
}

Result<SessionOptions> options_of(const memopt_session_options* given) {
  SessionOptions options;
  if (!given) return options;
  for (const auto& [name, value] :
       {std::pair("guard", given->guard), {"profile", given->profile}}) {
    if (value == 0 || value == 1) continue;
    return Error{Code::kUsage, std::string(name) + " is " + std::to_string(value) + "; 0 or 1"};
  }
  options.threads = given->threads == 0 ? 1 : given->threads;
  options.guard = given->guard != 0;
  options.profile = given->profile != 0;
  return options;
}

}  // namespace
}  // namespace memopt

using memopt::usage;
using memopt::with_plan;
using memopt::with_session;

const char* memopt_version(void) { return MEMOPT_VERSION; }
const char* memopt_last_error(void) { return memopt::last_error; }

memopt_status memopt_plan_load_file(const char* path, uint32_t flags, memopt_plan** plan) {
  return memopt::load(path, "path is NULL", flags, plan, [&](const memopt::LoadOptions& options) {
    return memopt::load_plan(std::string(path), options);
  });
}

memopt_status memopt_plan_load_memory(const void* data, size_t bytes, uint32_t flags,
                                      memopt_plan** plan) {
  return memopt::load(data, "data is NULL", flags, plan, [&](const memopt::LoadOptions& options) {
    return memopt::load_plan(std::span(static_cast<const std::byte*>(data), bytes),
                             "plan in memory", options);
  });
}

void memopt_plan_destroy(memopt_plan* plan) { delete plan; }

size_t memopt_plan_arena_bytes(const memopt_plan* plan) {
  return memopt::size_of(plan, [](const memopt::Plan& data) { return data.arena_bytes; });
}
size_t memopt_plan_arena_alignment(const memopt_plan* plan) {
  return memopt::size_of(plan, [](const memopt::Plan& data) { return data.arena_alignment; });
}
size_t memopt_plan_constants_bytes(const memopt_plan* plan) {
  return memopt::size_of(plan, [](const memopt::Plan& data) { return data.constants_bytes; });
}
size_t memopt_plan_input_count(const memopt_plan* plan) {
  return memopt::size_of(plan, [](const memopt::Plan& data) { return data.inputs.size(); });
}
size_t memopt_plan_output_count(const memopt_plan* plan) {
  return memopt::size_of(plan, [](const memopt::Plan& data) { return data.outputs.size(); });
}
size_t memopt_plan_state_bytes(const memopt_plan* plan) {
  return memopt::size_of(plan, [](const memopt::Plan& data) { return data.state_bytes; });
}
size_t memopt_plan_state_count(const memopt_plan* plan) {
  return memopt::size_of(plan, [](const memopt::Plan& data) { return data.states.size(); });
}
memopt_status memopt_plan_input(const memopt_plan* plan, size_t index, memopt_tensor_info* info) {
  return with_plan(plan, [&](const memopt::Plan& data) {
    return memopt::describe(data, data.inputs, index, info);
  });
}
memopt_status memopt_plan_output(const memopt_plan* plan, size_t index, memopt_tensor_info* info) {
  return with_plan(plan, [&](const memopt::Plan& data) {
    return memopt::describe(data, data.outputs, index, info);
  });
}
memopt_status memopt_plan_find_input(const memopt_plan* plan, const char* name, size_t* index) {
  return with_plan(
      plan, [&](const memopt::Plan& data) { return memopt::find(data, data.inputs, name, index); });
}
memopt_status memopt_plan_find_output(const memopt_plan* plan, const char* name, size_t* index) {
  return with_plan(plan, [&](const memopt::Plan& data) {
    return memopt::find(data, data.outputs, name, index);
  });
}

memopt_status memopt_plan_state(const memopt_plan* plan, size_t index, memopt_tensor_info* info) {
  return with_plan(plan, [&](const memopt::Plan& data) {
    return memopt::describe(data, memopt::states_of(data), index, info);
  });
}
memopt_status memopt_plan_find_state(const memopt_plan* plan, const char* name, size_t* index) {
  return with_plan(plan, [&](const memopt::Plan& data) {
    return memopt::find(data, memopt::states_of(data), name, index);
  });
}

memopt_status memopt_session_create(const memopt_plan* plan, void* arena, size_t arena_bytes,
                                    const memopt_session_options* options,
                                    memopt_session** session) {
  return memopt::guarded([&] {
    if (!session) return usage("session is NULL");
    *session = nullptr;
    if (!plan) return usage("plan is NULL");
    const auto wanted = memopt::options_of(options);
    if (!wanted.ok()) return memopt::fail(wanted.error());
    const std::span bytes(static_cast<std::byte*>(arena), arena ? arena_bytes : 0);
    auto created = memopt::Session::create(plan->loaded, bytes, *wanted);
    if (!created.ok()) return memopt::fail(created.error());
    *session = new memopt_session{*std::move(created)};
    return MEMOPT_OK;
  });
}

void memopt_session_destroy(memopt_session* session) {
  if (!session) return;
  while (session->in_use.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
  delete session;
}

memopt_status memopt_session_bind_input(memopt_session* session, size_t index, const void* data,
                                        size_t bytes) {
  return with_session(session, [&](memopt::Session& entered) {
    return memopt::report(
        entered.bind_input(index, std::span(static_cast<const std::byte*>(data), bytes)));
  });
}

memopt_status memopt_session_bind_output(memopt_session* session, size_t index, void* data,
                                         size_t bytes) {
  return with_session(session, [&](memopt::Session& entered) {
    return memopt::report(
        entered.bind_output(index, std::span(static_cast<std::byte*>(data), bytes)));
  });
}

memopt_status memopt_session_bind_state(memopt_session* session, void* block, size_t bytes) {
  return with_session(session, [&](memopt::Session& entered) {
    return memopt::report(entered.bind_state(std::span(static_cast<std::byte*>(block), bytes)));
  });
}

memopt_status memopt_session_reset_state(memopt_session* session) {
  return with_session(
      session, [](memopt::Session& entered) { return memopt::report(entered.reset_state()); });
}

void* memopt_session_state_data(memopt_session* session, size_t index) {
  return memopt::data_of(session, index, &memopt::Plan::states, "state",
                         [&](memopt::Session& entered) { return entered.state_data(index); });
}

void* memopt_session_input_data(memopt_session* session, size_t index) {
  return memopt::data_of(session, index, &memopt::Plan::inputs, "input",
                         [&](memopt::Session& entered) { return entered.input_data(index); });
}

const void* memopt_session_output_data(const memopt_session* session, size_t index) {
  return memopt::data_of(
      session, index, &memopt::Plan::outputs, "output",
      [&](const memopt::Session& entered) { return entered.output_data(index); });
}

memopt_status memopt_session_run(memopt_session* session) {
  return with_session(session,
                      [](memopt::Session& entered) { return memopt::report(entered.run()); });
}

memopt_status memopt_session_write_trace(const memopt_session* session, const char* path) {
  return with_session(session, [&](const memopt::Session& entered) {
    if (!path) return usage("path is NULL");
    const memopt::Profile* const profile = entered.profile();
    if (!profile) return usage("the session was created without profile");
    return memopt::report(memopt::write_file(path, memopt::to_trace(entered.plan(), *profile)));
  });
}
