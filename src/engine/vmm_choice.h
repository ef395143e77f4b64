// Which VMM runs a VM, and why. installed_vmms.h implements the interface for this host. Tests use a VMM in memory.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/task.h"
#include "machine/firecracker/firecracker.h"
#include "machine/machine.h"
#include "machine/qemu/qemu.h"
#include "vm/spec.h"

namespace banger::engine {

/// What a VM's network requires from the VMM.
struct NetworkNeeds {
  bool user_mode = true;  ///< a network inside the VMM, without host devices; false: a tap of the host
  bool outside = true;    ///< the VM may reach the outside
};
NetworkNeeds network_needs(const vm::Spec& spec);

/// A VMM and the reason for it, as a clause: "Firecracker is not installed".
struct Choice {
  enum class Vmm { qemu, firecracker } vmm = Vmm::qemu;
  std::string why;
};

class VmmChoice {
 public:
  virtual ~VmmChoice() = default;
  /// The driver for a new machine with this kernel. The first call per kernel may run the KVM probe
  /// (limits::kKvmProbeDeadline). `unsupported` when neither KVM nor software emulation can run guests, or when the
  /// configured VMM cannot run this VM.
  virtual Task<Result<machine::Driver*>> choose(const std::string& kernel, NetworkNeeds network) = 0;
  /// The choice behind choose(). `machine = "auto"` chooses Firecracker if three conditions hold: Firecracker is
  /// installed, KVM can run guests under it, and Firecracker supports the network. `machine = "firecracker"` chooses an
  /// installed Firecracker even if the probe failed, because the user knows the host.
  virtual Task<Result<Choice>> decide(const std::string& kernel, NetworkNeeds network) = 0;
  /// The driver that can adopt this record.
  virtual Task<Result<machine::Driver*>> for_record(const machine::MachineRecord& record) = 0;
  /// The live process of a machine that was started just before a crash and is not recorded yet.
  virtual std::optional<host::ProcessId> find_process(std::string_view token) const = 0;
  /// Whether the recorded process exists, even if no driver can control it.
  virtual bool is_alive(const machine::MachineRecord& record) const = 0;

  virtual Task<Result<machine::qemu::QemuFacts>> qemu() = 0;
  virtual Task<Result<machine::firecracker::FirecrackerFacts>> firecracker() = 0;
  /// The KVM verdict for this kernel. Runs the probe if no verdict is known.
  virtual Task<Result<machine::KvmVerdict>> kvm(const std::string& kernel) = 0;
  /// The same for Firecracker, whose needs are others than QEMU's. In a jail, Firecracker opens a /dev/kvm of its own.
  /// So with jails a device that this user may not open counts as usable, without a probe.
  virtual Task<Result<machine::KvmVerdict>> firecracker_kvm(const std::string& kernel) = 0;
  /// Discards the verdicts, so that the next kvm() and firecracker_kvm() for this kernel run the probe again.
  virtual Task<Result<>> forget_kvm(const std::string& kernel) = 0;
};

}  // namespace banger::engine
