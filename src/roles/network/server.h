// The server in the private network.
#pragma once

#include "base/log.h"
#include "host/child.h"
#include "roles/network/options.h"

namespace banger::roles::network {

/// Starts the server in `network`, or in a new private network if there is none. It listens when this returns. It is
/// killed when this thread ends. REQUIRES: this process has no other threads.
Result<host::Child> start_server(const Options& options, const host::Namespaces* network, const Logger& log);

}  // namespace banger::roles::network
