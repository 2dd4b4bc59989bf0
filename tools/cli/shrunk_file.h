// Ending well where a mapped file became shorter.
#pragma once

namespace memopt {

// From now on, a read of a mapped file (runtime/base/mapped_files.h) that another process has made
// shorter ends this one with exit status 9 and a message that names the file, instead of a signal.
// Temporary files are removed.
void exit_where_files_shrink();

}  // namespace memopt
