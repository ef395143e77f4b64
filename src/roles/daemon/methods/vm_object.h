// The objects of docs/rpc.md that describe VMs.
#pragma once

#include "api/objects/vm.h"
#include "engine/services.h"
#include "engine/vm/owner.h"

namespace banger::roles::daemon {

api::VmObject vm_object(const engine::Services& services, const engine::VmOwner& vm);
/// Without what would make a list too long for one message.
api::VmObject listed_vm_object(const engine::Services& services, const engine::VmOwner& vm);
api::Named name_object(const engine::VmOwner& vm);

/// The figures of the guest's own measurement, without those of the host. The guest is hostile: `corrupt` when `answer`
/// is not what an agent sends.
Result<api::VmStats> guest_stats(const Json& answer);

}  // namespace banger::roles::daemon
