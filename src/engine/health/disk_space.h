// The room that VMs have on the host's disk. A guest that finds none is paused.
#pragma once

#include "capabilities/capability.h"
#include "engine/services.h"

namespace banger::engine {

/// The check of `banger doctor`.
capabilities::Check check_disk_space(const Services& services);
/// A sentence for people while there is so little room that guests may be paused soon. Empty: there is enough.
std::string low_disk_space(const Services& services);

}  // namespace banger::engine
