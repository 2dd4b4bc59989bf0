// clang-format off
/* memopt: runs a compiled plan in one block of memory whose size is known beforehand.
 *
 *   memopt_plan* plan;
 *   memopt_session* session;
 *   if (memopt_plan_load_file("model.plan", MEMOPT_LOAD_DEFAULT, &plan) != MEMOPT_OK) fail();
 *   size_t alignment = memopt_plan_arena_alignment(plan), bytes = memopt_plan_arena_bytes(plan);
 *   void* arena = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
 *   if (memopt_session_create(plan, arena, bytes, NULL, &session) != MEMOPT_OK) fail();
 *   memcpy(memopt_session_input_data(session, 0), image, image_bytes);  // or bind_input
 *   if (memopt_session_run(session) != MEMOPT_OK) fail();
 *   use(memopt_session_output_data(session, 0));                        // or bind_output
 *   memopt_session_destroy(session);
 *   memopt_plan_destroy(plan);
 *
 * Memory. Constants are read where the plan file is mapped and shared by all sessions and
 * processes. Everything that one run needs is in the arena, which the caller owns and which must
 * outlive the session. Loading and creating allocate; memopt_session_run() does not (a kernel
 * library may, a little; memopt-run prints how much) and touches no file.
 *
 * Loading, creating and running use less than 256 KiB of the calling thread's stack.
 *
 * Inputs and outputs are either in the arena or in buffers of the caller, as the plan was compiled:
 * memopt_tensor_info.in_caller_memory says which. In the arena: fill memopt_session_input_data()
 * before every run and read memopt_session_output_data() before the next. In the caller's memory:
 * bind a buffer, which stays bound until another one is.
 *
 * States live on from run to run (caches, streams): a plan with memopt_plan_state_bytes() > 0 keeps
 * them in one block of the caller's, beside the arena. Bind it, reset it once, run: each run finds
 * what the last one left, and nothing is copied. One session serves many streams, each with a block
 * of its own that is bound before its run; an arena may be shared by sessions that take turns.
 *
 * Threads. A plan is immutable and may be used by all threads. A session is used by one thread at a
 * time: a call that meets another thread's changes nothing and returns MEMOPT_USAGE (or NULL).
 * Results depend neither on the number of threads nor on addresses.
 *
 * Errors. Functions that can fail return a memopt_status; memopt_last_error() then says what was
 * wrong, what was needed and what to try. Nothing throws, exits or prints. A plan file is checked
 * completely: a damaged or forged one is an error, never undefined behaviour. NULL in place of a
 * pointer is MEMOPT_USAGE where nothing else is said; functions that return no status then return 0
 * or NULL. What fails for lack of memory or threads leaves nothing behind, and may be called again.
 */
// clang-format on
#ifndef MEMOPT_MEMOPT_H_
#define MEMOPT_MEMOPT_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The values are also the exit statuses of memopt's tools. */
typedef enum memopt_status {
  MEMOPT_OK = 0,
  MEMOPT_INTERNAL = 1,        /* a bug in memopt, or what guard mode found */
  MEMOPT_USAGE = 2,           /* a wrong argument: index, buffer, arena */
  MEMOPT_BAD_INPUT = 3,       /* a bad plan file, or a value that an operator does not allow */
  MEMOPT_VERIFY_FAILED = 6,   /* the plan is not safe to run */
  MEMOPT_OUT_OF_RESOURCE = 9, /* memory or disk */
} memopt_status;

/* Element types, with the numbers of ONNX's TensorProto.DataType. Types below 8 bits are packed,
 * the first element in the low bits. */
typedef enum memopt_dtype {
  MEMOPT_FLOAT32 = 1,
  MEMOPT_UINT8 = 2,
  MEMOPT_INT8 = 3,
  MEMOPT_UINT16 = 4,
  MEMOPT_INT16 = 5,
  MEMOPT_INT32 = 6,
  MEMOPT_INT64 = 7,
  MEMOPT_BOOL = 9,
  MEMOPT_FLOAT16 = 10,
  MEMOPT_FLOAT64 = 11,
  MEMOPT_UINT32 = 12,
  MEMOPT_UINT64 = 13,
  MEMOPT_COMPLEX64 = 14,
  MEMOPT_COMPLEX128 = 15,
  MEMOPT_BFLOAT16 = 16,
  MEMOPT_FLOAT8E4M3FN = 17,
  MEMOPT_FLOAT8E4M3FNUZ = 18,
  MEMOPT_FLOAT8E5M2 = 19,
  MEMOPT_FLOAT8E5M2FNUZ = 20,
  MEMOPT_UINT4 = 21,
  MEMOPT_INT4 = 22,
  MEMOPT_FLOAT4E2M1 = 23,
  MEMOPT_FLOAT8E8M0 = 24,
  MEMOPT_UINT2 = 25,
  MEMOPT_INT2 = 26,
} memopt_dtype;

#define MEMOPT_MAX_RANK 8

/* What an input or output is. `name` lives as long as the plan or a session of it. */
typedef struct memopt_tensor_info {
  const char* name;
  memopt_dtype dtype;
  int32_t rank;
  int64_t dims[MEMOPT_MAX_RANK];    /* ONNX's logical order */
  int64_t strides[MEMOPT_MAX_RANK]; /* in elements */
  size_t bytes;                     /* from the first element to the end of the last */
  int32_t in_caller_memory;         /* 1: bind a buffer; 0: in the arena */
} memopt_tensor_info;

typedef struct memopt_plan memopt_plan;
typedef struct memopt_session memopt_session;

/* "0.1.0". */
const char* memopt_version(void);

/* The message of the last failure in this thread, up to 1023 bytes; "" if there was none. Valid
 * until the next call of this thread. */
const char* memopt_last_error(void);

/* --- plans --- */

enum {
  MEMOPT_LOAD_DEFAULT = 0,
  /* Copies the constants into private memory. Without it they are used where the file is mapped (or
   * where the caller's memory is), so nobody may change the file in place while it is loaded. */
  MEMOPT_LOAD_COPY = 1,
  /* Reads all constants and compares their digest. All other bytes always are checked. */
  MEMOPT_LOAD_VERIFY_CONSTANTS = 2,
};

/* `flags` is a sum of MEMOPT_LOAD_*. On success *plan is to be destroyed. */
memopt_status memopt_plan_load_file(const char* path, uint32_t flags, memopt_plan** plan);
/* `data` must outlive the plan and its sessions, and is best 64-byte aligned (else the constants
 * are copied); with MEMOPT_LOAD_COPY neither. */
memopt_status memopt_plan_load_memory(const void* data, size_t bytes, uint32_t flags,
                                      memopt_plan** plan);
/* Sessions keep what they need: the plan may be destroyed before them. NULL is allowed. */
void memopt_plan_destroy(memopt_plan* plan);

/* What memopt_session_create() needs. */
size_t memopt_plan_arena_bytes(const memopt_plan* plan);
size_t memopt_plan_arena_alignment(const memopt_plan* plan);
size_t memopt_plan_constants_bytes(const memopt_plan* plan);
/* What memopt_session_bind_state() needs; 0: the plan keeps no states. */
size_t memopt_plan_state_bytes(const memopt_plan* plan);

size_t memopt_plan_input_count(const memopt_plan* plan);
size_t memopt_plan_output_count(const memopt_plan* plan);
memopt_status memopt_plan_input(const memopt_plan* plan, size_t index, memopt_tensor_info* info);
memopt_status memopt_plan_output(const memopt_plan* plan, size_t index, memopt_tensor_info* info);
/* The index of a name; MEMOPT_USAGE, listing the names there are, where there is none. */
memopt_status memopt_plan_find_input(const memopt_plan* plan, const char* name, size_t* index);
memopt_status memopt_plan_find_output(const memopt_plan* plan, const char* name, size_t* index);

/* States, by the names of the inputs that they were; in_caller_memory is 0. */
size_t memopt_plan_state_count(const memopt_plan* plan);
memopt_status memopt_plan_state(const memopt_plan* plan, size_t index, memopt_tensor_info* info);
memopt_status memopt_plan_find_state(const memopt_plan* plan, const char* name, size_t* index);

/* --- sessions --- */

typedef struct memopt_session_options {
  int32_t threads; /* 1 to 1024, the caller of run included; 0 means 1 */
  int32_t guard;   /* 1: check every byte that every kernel touches; slow, for tests. Else 0 */
  int32_t profile; /* 1: time every step, for memopt_session_write_trace(). Else 0 */
} memopt_session_options;

/* `options` may be NULL. MEMOPT_OUT_OF_RESOURCE where the system has fewer threads. The arena has
 * at least memopt_plan_arena_bytes() bytes at a multiple of memopt_plan_arena_alignment(), and is
 * used by nothing else while a run lasts. */
memopt_status memopt_session_create(const memopt_plan* plan, void* arena, size_t arena_bytes,
                                    const memopt_session_options* options,
                                    memopt_session** session);
/* NULL is allowed. The arena and the bound buffers stay the caller's. Waits for another thread that
 * is still in a call with this session; no call may begin any more. */
void memopt_session_destroy(memopt_session* session);

/* For tensors in the caller's memory: `bytes` must be exactly memopt_tensor_info.bytes, the address
 * a multiple of the element size (64 is best), and no output may overlap another buffer or the
 * arena. */
memopt_status memopt_session_bind_input(memopt_session* session, size_t index, const void* data,
                                        size_t bytes);
memopt_status memopt_session_bind_output(memopt_session* session, size_t index, void* data,
                                         size_t bytes);

/* `block` has at least memopt_plan_state_bytes() bytes at a multiple of
 * memopt_plan_arena_alignment(), overlaps nothing else, and stays the caller's. From here on the
 * states are what it holds; what is new or stale in it is to be reset. NULL is allowed where the
 * plan keeps no states. */
memopt_status memopt_session_bind_state(memopt_session* session, void* block, size_t bytes);
/* Makes every state what it is before the first run: zeros, or what it was compiled with. */
memopt_status memopt_session_reset_state(memopt_session* session);
/* Where the elements of a state are, to be read and written between runs. NULL where there is no
 * such index or no block is bound yet. */
void* memopt_session_state_data(memopt_session* session, size_t index);

/* Where the elements of a tensor are: in the arena, or the bound buffer. NULL where there is no
 * such index or nothing is bound yet. */
void* memopt_session_input_data(memopt_session* session, size_t index);
const void* memopt_session_output_data(const memopt_session* session, size_t index);

memopt_status memopt_session_run(memopt_session* session);

/* The last run as a Chrome trace (JSON), for Perfetto. Needs a session with profile = 1. */
memopt_status memopt_session_write_trace(const memopt_session* session, const char* path);

#ifdef __cplusplus
}
#endif

#endif /* MEMOPT_MEMOPT_H_ */
