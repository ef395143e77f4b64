#include "host/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

namespace banger::host {

namespace {

bool closed(int fd) { return ::fcntl(fd, F_GETFD) < 0; }

// A path descriptor (open(2), O_PATH) can be neither read nor written.
void open_dead_end() { (void)::open("/", O_PATH | O_DIRECTORY); }

}  // namespace

void reserve_standard_streams() {
  // The order matters, because open(2) returns the lowest free number. Executed programs inherit these descriptors.
  if (closed(STDIN_FILENO) && ::open("/dev/null", O_RDONLY) < 0) open_dead_end();
  for (int fd : {STDOUT_FILENO, STDERR_FILENO})
    if (closed(fd)) open_dead_end();
}

}  // namespace banger::host
