// The guest's side of a TLS connection whose own name decides (egress/verdict.h). Nothing is decrypted.
#pragma once

#include "roles/gate/flow.h"

namespace banger::roles::gate {

/// Reads the ClientHello, of which `first` are the first bytes. If the policy allows its name, connects the flow unless
/// it is connected, and passes the guest's bytes on until they end.
Task<> pass_tls(FlowPtr flow, std::string first);

}  // namespace banger::roles::gate
