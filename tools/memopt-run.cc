#include "tools/cli/run.h"

int main(int argc, char** argv) {
  static constexpr memopt::AllocationCounter kCounter = {memopt::can_count_allocations,
                                                         memopt::start_counting_allocations,
                                                         memopt::stop_counting_allocations};
  return memopt::tool_main(
      [](const memopt::Arguments& arguments, std::ostream& out, std::ostream& err) {
        return memopt::run_run(arguments, out, err, &kCounter);
      },
      argc, argv);
}
