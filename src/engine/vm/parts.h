// The parts of a VM in the daemon's memory. VmOwner makes and owns them. Its operations are functions over these parts;
// the caller of such a function holds the VM's turn.
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
#include "engine/vm/shared_wake.h"
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
  std::shared_ptr<SharedWake> wake;
  VmDisks disks;
  bool staging = false;  ///< a restore copies disks into the directory; the VM's state does not show this yet

  const store::VmRow& row() const { return record->row(); }
  const vm::Spec& spec() const { return record->spec(); }
  const std::string& name() const { return row().name; }
};

/// The VM as the capabilities' hooks see it. Borrows from services and record.
Result<capabilities::VmContext> vm_context(const Services& services, const VmRecord& record);
inline Result<capabilities::VmContext> vm_context(const VmParts& vm) { return vm_context(vm.services, *vm.record); }
/// The files of the config's [[file_sync]].
capabilities::HostFiles host_files(const Services& services);
/// The config of the guest, made by all capabilities. Contains the current time.
Result<guestcfg::GuestConfig> guest_config(const capabilities::VmContext& context);
/// Sends a running guest its current config.
Task<Result<>> send_config(VmParts& vm, Disks disks);
/// The guest's own address in a network of the host. Empty: no address was leased yet. nullopt: the guest has none.
std::optional<std::string> own_address(const VmParts& vm);
/// own_address(), or the address that every guest of a user-mode network has.
std::string guest_address(const VmParts& vm);
/// The spec that the VM had when its state was saved.
Result<vm::Spec> saved_spec(const store::SaveRow& save);
std::int64_t unix_now();

}  // namespace banger::engine
