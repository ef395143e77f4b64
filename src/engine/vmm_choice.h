// Which VMM runs a VM, and why. installed_vmms.h answers for this host; tests answer with a VMM in memory.
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

/// What a VM's network demands of the VMM.
struct NetworkNeeds {
  bool user_mode = true;  ///< a network inside the VMM, which needs nothing of the host; else a device of the host
  bool outside = true;    ///< it is to reach anything
};
NetworkNeeds network_needs(const vm::Spec& spec);

/// Which VMM, and why, as a clause: "Firecracker is not installed".
struct Choice {
  enum class Vmm { qemu, firecracker } vmm = Vmm::qemu;
  std::string why;
};

class VmmChoice {
 public:
  virtual ~VmmChoice() = default;
  /// The driver for a new machine with this kernel. The first call per kernel may run the KVM probe
  /// (limits::kKvmProbeDeadline). `unsupported` when neither KVM nor software emulation runs guests, or the VMM that
  /// was asked for cannot run this one.
  virtual Task<Result<machine::Driver*>> choose(const std::string& kernel, NetworkNeeds network) = 0;
  /// The choice behind it. With `machine = "auto"` Firecracker is taken where it is installed, KVM truly runs guests
  /// and the network is one it has. Where it is asked for by name it is taken if it is there: that KVM did not work
  /// with QEMU is then no reason to refuse, for Firecracker itself says best what it lacks.
  virtual Task<Result<Choice>> decide(const std::string& kernel, NetworkNeeds network) = 0;
  /// The driver that can adopt this record.
  virtual Task<Result<machine::Driver*>> for_record(const machine::MachineRecord& record) = 0;
  /// The live process of a machine that was started just before a crash, and not recorded.
  virtual std::optional<host::ProcessId> find_process(std::string_view token) const = 0;
  /// Whether the recorded process is there, be it that no driver can talk to it.
  virtual bool lives(const machine::MachineRecord& record) const = 0;

  virtual Task<Result<machine::qemu::QemuFacts>> qemu() = 0;
  virtual Task<Result<machine::firecracker::FirecrackerFacts>> firecracker() = 0;
  /// The KVM verdict for this kernel, probing if it is not known yet.
  virtual Task<Result<machine::qemu::KvmVerdict>> kvm(const std::string& kernel) = 0;
  /// The next question about KVM and this kernel is answered by trying anew.
  virtual Task<Result<>> forget_kvm(const std::string& kernel) = 0;
};

}  // namespace banger::engine
