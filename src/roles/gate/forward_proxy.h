// Guests with a policy that use the host's proxy. Their programs connect to the daemon's relay
// (capabilities/host_proxy), and name a host in the request. The policy decides about that host, and about what a
// tunnel says inside. So the proxy is no way round the policy.
#pragma once

#include "roles/gate/flow.h"

namespace banger::roles::gate {

/// Takes a connection that leads to the relay, before anything was read.
Task<> pass_to_proxy(FlowPtr flow);

}  // namespace banger::roles::gate
