// Takes the connections of guests with a policy, which the firewall has sent here, and judges each.
#pragma once

#include <memory>

#include "base/unique_fd.h"
#include "roles/gate/flow.h"

namespace banger::roles::gate {

/// Judges the connection, and passes it on as far as the policy allows.
Task<> pass(FlowPtr flow);

/// The same for a connection that the verdict has allowed, as far as it was judged.
Task<> pass_allowed(FlowPtr flow, Verdict verdict);

/// Passes a connection whose address is allowed, whatever it says. If it is TLS to a secret's host, the gate ends it.
Task<> pass_by_address(FlowPtr flow);

/// Serves until the process ends. The guests outlive it. `proxy`: where the relay to the host's proxy listens.
Result<> serve_connections(host::Runtime& runtime, UniqueFd listening, Guests& guests,
                           std::optional<host::Endpoint> proxy = {});

}  // namespace banger::roles::gate
