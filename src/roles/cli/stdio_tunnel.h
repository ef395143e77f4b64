// Moves bytes between two descriptors of any kind and a tunnel of the daemon (vm.tunnel, in chunks). `vm forward` has
// sockets at both ends and many connections; this code has one connection, and pipes or a terminal at its end.
#pragma once

#include <string_view>

#include "base/result.h"
#include "roles/cli/forward.h"

namespace banger::roles::cli {

/// All descriptors are borrowed. `in` and `out` keep their modes, because other processes may have them too.
struct StdioTunnel {
  int in = -1, out = -1;
  int tunnel = -1;                    ///< a socket
  std::string_view from_tunnel = {};  ///< bytes that were read from the tunnel before
  int stop_fd = -1;                   ///< when readable, the tunnel ends as `broken`
};
/// Returns when the guest has sent its end, when either end breaks, or when stopped. The end of `in` is passed on.
Ending pump_stdio(const StdioTunnel& ends);

}  // namespace banger::roles::cli
