// The contract of a host resource: one kind of thing that VMs hold of their host while a machine runs. Examples are a
// tap, a jail and a block device. Each thing is in the journal before it exists, and leaves the journal when it is
// gone.
//
//   daemon   load ─► [VMs are recovered] ─► run … ─► close
//   VM       resolve ─► check ─► acquire ─► [the VMM starts] ─► admit ─► change, flush … ─► [it ends] ─► release
//            forget, when the VM is deleted
//
// The engine makes one list of all capabilities' resources. It acquires in list order and releases in reverse
// (engine/resources.h). doctor and gc loop over the same list. A resource does nothing for a VM that does not use it.
// After a crash the next daemon repeats the interrupted call, so each call may be repeated.
#pragma once

#include "capabilities/capability.h"
#include "host/foreground.h"
#include "vm/network.h"

namespace banger::capabilities {

/// One line of `banger doctor`.
enum class CheckStatus { pass, warn, fail };
struct Check {
  std::string name;
  CheckStatus status;
  std::string detail;
  std::string hint;
};

class HostResource;

/// Something that exists, but belongs to no VM.
struct Leftover {
  std::string kind;                  ///< for people: "tap"
  std::string path;                  ///< or another name that identifies it
  std::string reason;                ///< why it is a leftover
  HostResource* resource = nullptr;  ///< who removes it
};

/// When a change of a running VM's spec takes effect.
enum class TakesEffect { after_restart, at_once };

/// Calls for one VM never overlap. Calls for different VMs do. References are borrowed for the call.
class HostResource {
 public:
  virtual ~HostResource() = default;
  /// "bridge"; for logs and people.
  virtual std::string_view name() const = 0;
  /// Reads the journal. Changes nothing.
  virtual Result<> load() = 0;
  /// Called before a spec is recorded. Sets the spec's network, if this resource provides the requested network.
  virtual Task<Result<>> resolve(vm::NetworkChoice, vm::Spec&) { co_return Result<>{}; }
  /// Called before every create and start. Fast, without side effects. An error carries a hint.
  virtual Result<> check(const vm::Spec&) const { return {}; }
  /// Called when the disks exist and before the VMM starts. May add to the config. On failure `release` follows.
  virtual Task<Result<>> acquire(const VmContext&, machine::MachineConfig&) = 0;
  /// Called when the VMM runs, and again by a new daemon: lets the guest use the acquired thing.
  virtual Task<Result<>> admit(std::string /*vm_id*/, const vm::Spec&) { co_return Result<>{}; }
  /// Called when the spec of a running VM has changed and was recorded.
  virtual Task<Result<TakesEffect>> change(std::string /*vm_id*/, const vm::Spec& /*before*/, const vm::Spec&) {
    co_return TakesEffect::after_restart;
  }
  /// Called while the machine is paused. Afterwards all writes of the machine are in the VM's own files.
  virtual Task<Result<>> flush(std::string /*vm_id*/) { co_return Result<>{}; }
  /// Called when the machine has ended, or never started. Logs failures and never fails: the resource itself tries
  /// again later.
  virtual Task<> release(std::string vm_id) = 0;
  /// Called when the VM was deleted.
  virtual void forget(const std::string& /*vm_id*/) {}
  /// VMs that hold something, according to the journal. The daemon releases the VMs of ended machines.
  virtual std::vector<std::string> holders() const = 0;
  /// The address at which the host reaches the guest; "" while there is no address yet. nullopt: another resource
  /// decides.
  virtual std::optional<std::string> address(std::string_view /*vm_id*/, const vm::Spec&) const { return {}; }
  /// The network of a running machine, if this resource made it.
  virtual std::optional<NetworkPort> port(std::string_view /*vm_id*/) const { return {}; }
  virtual std::vector<Leftover> leftovers() { return {}; }
  virtual Task<Result<>> remove(Leftover) { co_return Result<>{}; }
  /// The lines of this resource in `banger doctor`.
  virtual Task<std::vector<Check>> checks() { co_return std::vector<Check>{}; }
  /// Housekeeping, from the recovery of the VMs until the daemon ends. Yields to calls in the foreground.
  virtual Task<> run(host::Foreground&) { co_return; }
  /// Called when the daemon ends. Machines continue.
  virtual Task<> close() { co_return; }
};

}  // namespace banger::capabilities
