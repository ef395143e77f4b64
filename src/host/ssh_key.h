// Makes SSH keys without ssh-keygen, which a host may not have.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace banger::host {

/// The content of the two files that ssh-keygen(1) would write.
struct SshKey {
  std::string private_key;  ///< openssh-key-v1 (OpenSSH, PROTOCOL.key), not encrypted
  std::string public_key;   ///< "ssh-ed25519 AAAA… comment\n"
};

/// A new ed25519 key pair. `comment` has no line break.
Result<SshKey> make_ssh_key(std::string_view comment);

}  // namespace banger::host
