// The way out of the private network: pasta(1), which carries connections between the network and the host's sockets.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "host/child.h"
#include "host/runtime.h"

namespace banger::roles::network {

/// The command line of pasta for the network of that process of `owner`. Nothing of the host is reachable through it
/// but what a program of the host reaches too, and not the host's own loopback. No port of the host leads into the
/// network.
std::vector<std::string> pasta_command(const std::string& program, pid_t server, uid_t owner);

/// How long to wait before pasta starts again.
class RestartPace {
 public:
  void started(host::Deadline now) { started_ = now; }
  /// Called at each end.
  host::Clock::duration pause(host::Deadline now);

 private:
  host::Deadline started_{};
  int ends_ = 0;
};

}  // namespace banger::roles::network
