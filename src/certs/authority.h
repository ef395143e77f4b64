// The certificate authorities that guests trust for the hosts of their secrets. An owner has one key, and each VM a
// root certificate of its own with that key. Its name constraints permit the VM's hosts only (RFC 5280,
// section 4.2.1.10).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace banger::certs {

/// What signs certificates. All roots of one authority have the same key and the same subject. So one certificate is
/// good under each of them that permits its name.
struct Authority {
  std::string key_pem;
  std::string subject;  ///< the common name, UTF-8; what is beyond limits::kCommonNameBytes is cut off
};

/// A new P-256 key as PEM (PKCS#8).
Result<std::string> make_key();

/// A root certificate as PEM, for ten years. `names` are like "api.example.org" or "*.example.org", at least one; ports
/// do not belong there. `invalid` for a key that is none, or another text in the place of a name.
Result<std::string> make_root(const Authority& authority, const std::vector<std::string>& names);

}  // namespace banger::certs
