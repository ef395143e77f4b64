// Whether what listens on a guest's port speaks HTTPS or HTTP: asked over the link, judged by the first bytes of the
// answer.
#pragma once

#include <string>
#include <string_view>

#include "link/link.h"

namespace banger::roles::daemon {

enum class Scheme { none, http, https };
std::string_view to_string(Scheme scheme);  ///< "", "http", "https"

/// A ClientHello (RFC 8446, 4.1.2) that any TLS server answers, if only with an alert. What takes it for text finds the
/// end of a request in it, and need not wait for more.
std::string tls_hello();
/// The start of a TLS record with a ServerHello or an alert.
bool is_tls_answer(std::string_view bytes);
bool is_http_answer(std::string_view bytes);

/// `target` as CONNECT has it, `host` as a browser would ask for it. At most twice limits::kProbeDeadline; what answers
/// neither question is `none`.
Task<Scheme> probe(host::Runtime& runtime, std::shared_ptr<link::Client> client, std::string target, std::string host);

}  // namespace banger::roles::daemon
