// The C API: arguments checked, exceptions stopped, messages kept per thread.
#include <cstring>
#include <new>
#include <string>

#include "memopt/memopt.h"
#include "runtime/base/file.h"
#include "runtime/executor/session.h"
#include "runtime/plan/load.h"

struct memopt_plan {
  std::shared_ptr<const memopt::LoadedPlan> loaded;
};
struct memopt_session {
  std::unique_ptr<memopt::Session> session;
};

namespace memopt {
namespace {

thread_local std::string last_error;

memopt_status fail(const Error& error) {
  last_error = error.message;
  return static_cast<memopt_status>(error.code);
}

memopt_status fail(std::string message) { return fail(Error{Code::kUsage, std::move(message)}); }

memopt_status report(const Status& status) {
  return status.ok() ? MEMOPT_OK : fail(status.error());
}

// Runs `body`; nothing that is thrown leaves.
template <typename F>
memopt_status guarded(F&& body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    last_error.clear();  // may not allocate
    return MEMOPT_OUT_OF_RESOURCE;
  } catch (const std::exception& error) {
    last_error = error.what();
    return MEMOPT_INTERNAL;
  }
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
  if (!info) return fail("info is NULL");
  if (index >= list.size()) {
    return fail("index " + std::to_string(index) + " of " + std::to_string(list.size()));
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
  if (!name || !index) return fail("name or index is NULL");
  std::string known;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string& candidate = plan.values[list[i]].name;
    if (candidate == name) {
      *index = i;
      return MEMOPT_OK;
    }
    known += (known.empty() ? "'" : ", '") + candidate + "'";
  }
  return fail("no tensor '" + std::string(name) + "'; there are " + known);
}

template <typename Load>
memopt_status load(uint32_t flags, memopt_plan** plan, Load&& load_with) {
  return guarded([&] {
    if (!plan) return fail("plan is NULL");
    *plan = nullptr;
    if (flags > (MEMOPT_LOAD_COPY | MEMOPT_LOAD_VERIFY_CONSTANTS)) return fail("unknown flags");
    LoadOptions options;
    options.mode = flags & MEMOPT_LOAD_COPY ? LoadMode::kCopy : LoadMode::kMap;
    options.verify_constants = (flags & MEMOPT_LOAD_VERIFY_CONSTANTS) != 0;
    auto loaded = load_with(options);
    if (!loaded.ok()) return fail(loaded.error());
    *plan = new memopt_plan{*std::move(loaded)};
    return MEMOPT_OK;
  });
}

}  // namespace
}  // namespace memopt

using memopt::fail;
using memopt::guarded;

const char* memopt_version(void) { return MEMOPT_VERSION; }
const char* memopt_last_error(void) { return memopt::last_error.c_str(); }

memopt_status memopt_plan_load_file(const char* path, uint32_t flags, memopt_plan** plan) {
  if (!path) return fail("path is NULL");
  return memopt::load(flags, plan, [&](const memopt::LoadOptions& options) {
    return memopt::load_plan(std::string(path), options);
  });
}

memopt_status memopt_plan_load_memory(const void* data, size_t bytes, uint32_t flags,
                                      memopt_plan** plan) {
  if (!data) return fail("data is NULL");
  return memopt::load(flags, plan, [&](const memopt::LoadOptions& options) {
    return memopt::load_plan(std::span(static_cast<const std::byte*>(data), bytes),
                             "plan in memory", options);
  });
}

void memopt_plan_destroy(memopt_plan* plan) { delete plan; }

size_t memopt_plan_arena_bytes(const memopt_plan* plan) {
  return static_cast<size_t>(plan->loaded->plan().arena_bytes);
}
size_t memopt_plan_arena_alignment(const memopt_plan* plan) {
  return static_cast<size_t>(plan->loaded->plan().arena_alignment);
}
size_t memopt_plan_constants_bytes(const memopt_plan* plan) {
  return static_cast<size_t>(plan->loaded->plan().constants_bytes);
}
size_t memopt_plan_input_count(const memopt_plan* plan) {
  return plan->loaded->plan().inputs.size();
}
size_t memopt_plan_output_count(const memopt_plan* plan) {
  return plan->loaded->plan().outputs.size();
}
memopt_status memopt_plan_input(const memopt_plan* plan, size_t index, memopt_tensor_info* info) {
  const memopt::Plan& data = plan->loaded->plan();
  return guarded([&] { return memopt::describe(data, data.inputs, index, info); });
}
memopt_status memopt_plan_output(const memopt_plan* plan, size_t index, memopt_tensor_info* info) {
  const memopt::Plan& data = plan->loaded->plan();
  return guarded([&] { return memopt::describe(data, data.outputs, index, info); });
}
memopt_status memopt_plan_find_input(const memopt_plan* plan, const char* name, size_t* index) {
  const memopt::Plan& data = plan->loaded->plan();
  return guarded([&] { return memopt::find(data, data.inputs, name, index); });
}
memopt_status memopt_plan_find_output(const memopt_plan* plan, const char* name, size_t* index) {
  const memopt::Plan& data = plan->loaded->plan();
  return guarded([&] { return memopt::find(data, data.outputs, name, index); });
}

memopt_status memopt_session_create(const memopt_plan* plan, void* arena, size_t arena_bytes,
                                    const memopt_session_options* options,
                                    memopt_session** session) {
  return guarded([&] {
    if (!plan || !session) return fail("plan or session is NULL");
    *session = nullptr;
    memopt::SessionOptions wanted;
    if (options) {
      wanted.threads = options->threads == 0 ? 1 : options->threads;
      wanted.guard = options->guard != 0;
      wanted.profile = options->profile != 0;
    }
    const std::span bytes(static_cast<std::byte*>(arena), arena ? arena_bytes : 0);
    auto created = memopt::Session::create(plan->loaded, bytes, wanted);
    if (!created.ok()) return fail(created.error());
    *session = new memopt_session{*std::move(created)};
    return MEMOPT_OK;
  });
}

void memopt_session_destroy(memopt_session* session) { delete session; }

memopt_status memopt_session_bind_input(memopt_session* session, size_t index, const void* data,
                                        size_t bytes) {
  return guarded([&] {
    const std::span buffer(static_cast<const std::byte*>(data), bytes);
    return memopt::report(session->session->bind_input(index, buffer));
  });
}

memopt_status memopt_session_bind_output(memopt_session* session, size_t index, void* data,
                                         size_t bytes) {
  return guarded([&] {
    const std::span buffer(static_cast<std::byte*>(data), bytes);
    return memopt::report(session->session->bind_output(index, buffer));
  });
}

void* memopt_session_input_data(memopt_session* session, size_t index) {
  if (index >= session->session->plan().inputs.size()) return nullptr;
  return session->session->input_data(index);
}

const void* memopt_session_output_data(const memopt_session* session, size_t index) {
  if (index >= session->session->plan().outputs.size()) return nullptr;
  return session->session->output_data(index);
}

memopt_status memopt_session_run(memopt_session* session) {
  return guarded([&] { return memopt::report(session->session->run()); });
}

memopt_status memopt_session_write_trace(const memopt_session* session, const char* path) {
  return guarded([&] {
    if (!path) return fail("path is NULL");
    const memopt::Profile* const profile = session->session->profile();
    if (!profile) return fail("the session was created without profile");
    return memopt::report(
        memopt::write_file(path, memopt::to_trace(session->session->plan(), *profile)));
  });
}
