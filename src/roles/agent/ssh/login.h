// Who may log in: owners of a key that the host gave to the guest, or that stands in the user's authorized_keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "roles/agent/ssh/libssh.h"
#include "roles/agent/users.h"

namespace banger::roles::agent::ssh {

/// A public key of authorized_keys(5).
struct AuthorizedKey {
  std::string type, base64;
};

/// The keys in a text. Lines with options are left out: an option limits what the key may do. Pure; any bytes are safe.
std::vector<AuthorizedKey> parse_authorized_keys(std::string_view text);

/// The text of the user's own file. Empty if others could write to the file, or to one of its two directories.
std::string read_authorized_keys(const User& user);

/// Whether the offered key is one of them.
bool has_key(const std::vector<AuthorizedKey>& keys, ssh_key offered);

/// This process becomes the user, and cannot go back.
Result<> become(const User& user);

}  // namespace banger::roles::agent::ssh
