// Learns whether the server on a guest's port speaks HTTPS or HTTP. The probe sends a request over the link, and looks
// at the first bytes of the answer.
#pragma once

#include <string>
#include <string_view>

#include "link/link.h"

namespace banger::roles::daemon {

enum class Scheme { none, http, https };
std::string_view to_string(Scheme scheme);  ///< "", "http", "https"

/// A ClientHello (RFC 8446, 4.1.2). Every TLS server answers it, at least with an alert. Servers of text protocols find
/// the end of a line in it, so they do not wait for more bytes.
std::string tls_hello();
/// Whether `bytes` are the start of a TLS record with a ServerHello or an alert.
bool is_tls_answer(std::string_view bytes);
bool is_http_answer(std::string_view bytes);

/// `target` is the authority of a CONNECT request, and `host` is the value of the Host header. `none` when the server
/// answers neither request. Takes at most twice limits::kProbeDeadline.
Task<Scheme> probe(host::Runtime& runtime, std::shared_ptr<link::Client> client, std::string target, std::string host);

}  // namespace banger::roles::daemon
