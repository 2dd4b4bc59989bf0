/* The smallest embedder: runs a plan whose input is all zeros and prints the first output element. */
#include <memopt/memopt.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  memopt_plan* plan = NULL;
  memopt_session* session = NULL;
  if (argc != 2 || memopt_plan_load_file(argv[1], MEMOPT_LOAD_DEFAULT, &plan) != MEMOPT_OK) {
    return fprintf(stderr, "%s\n", memopt_last_error()), 1;
  }
  const size_t alignment = memopt_plan_arena_alignment(plan), bytes = memopt_plan_arena_bytes(plan);
  void* arena = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memopt_session_create(plan, arena, bytes, NULL, &session) != MEMOPT_OK ||
      memopt_session_run(session) != MEMOPT_OK) {
    return fprintf(stderr, "%s\n", memopt_last_error()), 1;
  }
  printf("arena %zu first %g\n", bytes, *(const float*)memopt_session_output_data(session, 0));
  memopt_session_destroy(session);
  memopt_plan_destroy(plan);
  free(arena);
  return 0;
}
