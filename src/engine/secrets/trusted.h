// The certificate authorities of this host as text, for a process that reads no files.
#pragma once

#include <string>

#include "base/result.h"
#include "http/trust.h"

namespace banger::engine {

/// The certificates of the list of SSL_CERT_FILE, or else of the host's own list, as PEM without anything between them.
/// `not_found` with a way out where there is no list.
Result<std::string> trusted_authorities(const http::Environment& environment);

/// The certificates in a text, without anything else.
std::string certificates_in(std::string_view text);

}  // namespace banger::engine
