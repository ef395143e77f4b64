// The guest's side of a connection without TLS on which each request's own host decides (egress/verdict.h).
#pragma once

#include "roles/gate/flow.h"

namespace banger::roles::gate {

/// Reads request after request, and passes on those that the policy allows. The first one connects the flow. The guest
/// gets a 403 if its first request is refused; a later one ends the connection, whose answers may still be on their
/// way.
Task<> pass_http(FlowPtr flow);

}  // namespace banger::roles::gate
