// Reads the public half of SSH keys that others made. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::host {

/// The public half of a private key in OpenSSH's own format (PROTOCOL.key), as "TYPE BASE64". The key may be of any
/// type, and encrypted: its public half never is. `invalid` for other bytes.
Result<std::string> public_half(std::string_view private_key);

/// "TYPE BASE64" of the one public key in the text of a file like id_ed25519.pub. `invalid` when the text has no key,
/// several keys, or options before its key.
Result<std::string> read_public_key(std::string_view text);

}  // namespace banger::host
