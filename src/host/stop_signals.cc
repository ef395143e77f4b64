#include "host/stop_signals.h"

#include <signal.h>
#include <sys/signalfd.h>

namespace banger::host {

Result<UniqueFd> stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!fd) return fail_errno("signalfd");
  return fd;
}

}  // namespace banger::host
