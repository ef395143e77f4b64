// The contract of a host resource: one kind of thing that VMs hold of their host while a machine runs, such as a tap, a
// jail or a block device. It is in the journal before it exists, and leaves the journal when it is gone.
//
//   daemon   load ─► [VMs are recovered] ─► run … ─► close
//   VM       resolve ─► check ─► acquire ─► [the VMM starts] ─► admit ─► change, flush … ─► [it ends] ─► release
//            forget, when the VM is deleted
//
// The engine makes one list of all capabilities' resources. It acquires in list order and releases in reverse
// (engine/resources.h); doctor and gc loop over the same list. A resource that a VM does not use does nothing for it.
// After a crash the next daemon repeats the call that was cut short, so each call may be repeated.
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

/// Something that is there and belongs to nobody.
struct Leftover {
  std::string kind;                  ///< for people: "tap"
  std::string path;                  ///< or another name by which it is found again
  std::string reason;                ///< why it is one
  HostResource* resource = nullptr;  ///< who removes it
};

/// When a change of a running VM's spec takes effect.
enum class TakesEffect { after_restart, at_once };

/// The engine calls for one VM at a time in turn; calls for different VMs overlap. References are borrowed for the
/// call.
class HostResource {
 public:
  virtual ~HostResource() = default;
  /// "bridge"; for logs and people.
  virtual std::string_view name() const = 0;
  /// Reads the journal; touches nothing.
  virtual Result<> load() = 0;
  /// Before a spec is recorded: sets its network, if this resource makes what was asked for here.
  virtual Task<Result<>> resolve(vm::NetworkChoice, vm::Spec&) { co_return Result<>{}; }
  /// Before every create and start. Fast, no side effects; an error carries a hint.
  virtual Result<> check(const vm::Spec&) const { return {}; }
  /// The disks are there, the VMM is not. May add to the config. On failure `release` follows.
  virtual Task<Result<>> acquire(const VmContext&, machine::MachineConfig&) = 0;
  /// The VMM runs, also under a new daemon: lets the guest use what was acquired.
  virtual Task<Result<>> admit(std::string /*vm_id*/, const vm::Spec&) { co_return Result<>{}; }
  /// The spec of a running VM changed, and was recorded.
  virtual Task<Result<TakesEffect>> change(std::string /*vm_id*/, const vm::Spec& /*before*/, const vm::Spec&) {
    co_return TakesEffect::after_restart;
  }
  /// The machine stands still: what it wrote is in the VM's own files afterwards.
  virtual Task<Result<>> flush(std::string /*vm_id*/) { co_return Result<>{}; }
  /// The machine has ended, or never started. Logs, never fails: the resource itself tries again what did not work.
  virtual Task<> release(std::string vm_id) = 0;
  /// The VM was deleted.
  virtual void forget(const std::string& /*vm_id*/) {}
  /// VMs that hold something, by the journal. The daemon releases those whose machine has ended meanwhile.
  virtual std::vector<std::string> holders() const = 0;
  /// Where the host reaches the guest, "" while it has no address yet; nullopt: not for this resource to say.
  virtual std::optional<std::string> address(std::string_view /*vm_id*/, const vm::Spec&) const { return {}; }
  /// The network of a running machine, if this resource made it.
  virtual std::optional<NetworkPort> port(std::string_view /*vm_id*/) const { return {}; }
  virtual std::vector<Leftover> leftovers() { return {}; }
  virtual Task<Result<>> remove(Leftover) { co_return Result<>{}; }
  /// Its lines in `banger doctor`.
  virtual Task<std::vector<Check>> checks() { co_return std::vector<Check>{}; }
  /// Its housekeeping, from when the VMs are recovered until the daemon ends; keeps out of the foreground's way.
  virtual Task<> run(host::Foreground&) { co_return; }
  /// The daemon ends; machines stay.
  virtual Task<> close() { co_return; }
};

}  // namespace banger::capabilities
