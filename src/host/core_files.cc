#include "host/core_files.h"

#include <fcntl.h>

#include "host/files.h"

namespace banger::host {

Result<> keep_memory_out_of_core_files() {
  auto filter = TRY(open_file("/proc/self/coredump_filter", O_WRONLY));
  return write_all(filter.get(), "0");
}

}  // namespace banger::host
