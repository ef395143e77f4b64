// The VM object of docs/rpc.md.
#pragma once

#include "base/json.h"
#include "engine/services.h"
#include "engine/vm/owner.h"

namespace banger::roles::daemon {

Json vm_object(const engine::Services& services, const engine::VmOwner& vm);

}  // namespace banger::roles::daemon
