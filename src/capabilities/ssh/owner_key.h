// The SSH key of the owner: guests accept it, and banger's ssh uses it. banger makes at most one key, and never changes
// or removes a key of the user.
#pragma once

#include <string>

#include "base/result.h"
#include "config/config.h"
#include "host/paths.h"

namespace banger::capabilities {

struct OwnerKey {
  std::string private_path;  ///< absolute
  std::string public_key;    ///< "TYPE BASE64"
};

/// The key that the config names, or else banger's own. banger's own is made on its first use; several first uses at
/// the same time end with the same key. An error names the file and has a hint. Blocks for a moment when it makes a
/// key.
Result<OwnerKey> owner_key(const host::Paths& paths, const config::Config& config);

}  // namespace banger::capabilities
