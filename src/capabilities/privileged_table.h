// All operations that need root (privileged.h).
#pragma once

#include "capabilities/privileged.h"

namespace banger::capabilities {

/// All operations: the helper's own and those of all capabilities, in list order.
PrivilegedTable privileged_table();
/// The operations that this install can use.
PrivilegedTable privileged_table(const PrivilegedContext& context);
/// The operations in a private network of a user without root: those of the bridge, `gate.listen`, `host.close`,
/// `lan.set` and `names.listen`.
PrivilegedTable private_network_table();

}  // namespace banger::capabilities
