// The resource limits of a command: those that sshd with PAM gives a login on Debian.
#pragma once

#include <vector>

#include "host/child.h"

namespace banger::roles::agent {

/// Open files, and memory locked by a process. All other limits are the kernel's defaults in a login as well as here.
std::vector<host::ResourceLimit> login_limits();

}  // namespace banger::roles::agent
