// HTTP/2 inside a connection whose TLS the gate ends (egress/http2_relay.h). Each request is judged, and gets its
// secrets, as in HTTP/1.
#pragma once

#include <string>

#include "roles/gate/flow.h"

namespace banger::roles::gate {

/// Passes the requests until either side has ended. All must be for that host, its name in TLS. REQUIRES: connected,
/// and both sides have chosen "h2".
Task<> pass_http2(FlowPtr flow, std::string host);

}  // namespace banger::roles::gate
