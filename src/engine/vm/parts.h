// What a VM consists of while the daemon knows it. Made and kept by its VmOwner, whose operations are written as
// functions over these parts; whoever calls one of those holds the VM's turn.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "capabilities/capability.h"
#include "engine/services.h"
#include "engine/vm/agent_link.h"
#include "engine/vm/disks.h"
#include "engine/vm/identity.h"
#include "engine/vm/record.h"
#include "engine/vm/running_machine.h"
#include "engine/vm/use.h"
#include "guestcfg/guest_config.h"

namespace banger::engine {

struct VmParts {
  VmParts(Services& services, store::VmRow row, vm::Spec spec);

  Services& services;
  std::shared_ptr<VmRecord> record;
  std::shared_ptr<RunningMachine> machine;
  std::shared_ptr<AgentLink> link;
  std::shared_ptr<VmUse> use;
  VmDisks disks;

  const store::VmRow& row() const { return record->row(); }
  const vm::Spec& spec() const { return record->spec(); }
  const std::string& name() const { return row().name; }
};

/// What capabilities may know of the VM. Borrows from services and record.
Result<capabilities::VmContext> vm_context(const Services& services, const VmRecord& record);
inline Result<capabilities::VmContext> vm_context(const VmParts& vm) { return vm_context(vm.services, *vm.record); }
/// What its guest is told, by all capabilities. Carries the time.
Result<guestcfg::GuestConfig> guest_config(const capabilities::VmContext& context);
/// Tells a running guest what it should know by now.
Task<Result<>> tell_guest(VmParts& vm, Disks disks);
/// Where the host reaches the guest, if the guest has an address of its own there; empty: none was leased yet.
std::optional<std::string> own_address(const VmParts& vm);
/// The same, or what every guest of a user-mode network has.
std::string guest_address(const VmParts& vm);
/// The spec that a saved state was made with.
Result<vm::Spec> saved_spec(const store::SaveRow& save);
std::int64_t unix_now();

}  // namespace banger::engine
