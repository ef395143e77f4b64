// TLS that the gate ends on both sides, for hosts for which the guest has secrets. The server's certificate is checked
// first. Then the guest gets a certificate of the gate's authority, and the protocol that the server has chosen.
#pragma once

#include <string>

#include "egress/client_hello.h"
#include "roles/gate/flow.h"

namespace banger::roles::gate {

/// Passes the requests inside TLS. `first` begins with the ClientHello, whose name the policy allows. Connects the
/// flow, anew if it is connected. A guest whose server is not accepted gets a 502 with the reason.
Task<> end_tls(FlowPtr flow, std::string first, egress::ClientHello hello);

/// Fatal alerts before a handshake (RFC 8446, section 6.2). Programs then say why their connection failed.
enum class TlsAlert : char { access_denied = 49, no_application_protocol = 120 };
std::string tls_alert(TlsAlert alert);

}  // namespace banger::roles::gate
