// Users' authorised keys.
#pragma once

#include "base/result.h"
#include "guest/root.h"
#include "guestcfg/guest_config.h"

namespace banger::guest {

/// Writes the keys as a marked block of ~USER/.ssh/authorized_keys (0600, in a 0700 directory, both owned by the user).
/// Other keys in the file stay. `not_found` when /etc/passwd has no such user; root needs no entry.
Result<> apply_keys(const Root& root, const guestcfg::UserKeys& keys);

}  // namespace banger::guest
