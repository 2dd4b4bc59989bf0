// The embedder of ../consumer in C++17.
#include <cstdio>
#include <exception>
#include <memopt/memopt.hpp>

int main(int argc, char** argv) try {
  if (argc != 2) return 1;
  const memopt::api::Plan plan(argv[1]);
  memopt::api::Session session(plan);
  for (float& element : session.input<float>(plan.inputs()[0].name)) element = 0;
  session.run();
  std::printf("arena %zu first %g\n", plan.arena_bytes(),
              session.output<float>(plan.outputs()[0].name)[0]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
