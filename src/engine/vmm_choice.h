// Which VMM runs a VM and why: what is installed, whether KVM truly runs guests. Answers are cached: the VMM's facts
// for the daemon's life, the KVM verdict in the store per host boot, VMM and kernel.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "config/config.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "machine/firecracker/firecracker.h"
#include "machine/machine.h"
#include "machine/qemu/qemu.h"
#include "store/store.h"
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

class Machines {
 public:
  Machines(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config,
           store::Store& store, std::string path_variable, machine::firecracker::Jailer* jailer);

  /// The driver for a new machine with this kernel. The first call per kernel may run the KVM probe
  /// (limits::kKvmProbeDeadline). `unsupported` when neither KVM nor software emulation runs guests, or the VMM that
  /// was asked for cannot run this one.
  Task<Result<machine::Driver*>> choose(const std::string& kernel, NetworkNeeds network);
  /// The choice behind it. With `machine = "auto"` Firecracker is taken where it is installed, KVM truly runs guests
  /// and the network is one it has. Where it is asked for by name it is taken if it is there: that KVM did not work
  /// with QEMU is then no reason to refuse, for Firecracker itself says best what it lacks.
  Task<Result<Choice>> decide(const std::string& kernel, NetworkNeeds network);
  /// The driver that can adopt this record.
  Task<Result<machine::Driver*>> for_record(const machine::MachineRecord& record);

  Task<Result<machine::qemu::QemuFacts>> qemu();
  Task<Result<machine::firecracker::FirecrackerFacts>> firecracker();
  /// The KVM verdict for this kernel, probing if it is not known yet.
  Task<Result<machine::qemu::KvmVerdict>> kvm(const std::string& kernel);
  /// The next question about KVM and this kernel is answered by trying anew.
  Task<Result<>> forget_kvm(const std::string& kernel);

 private:
  machine::Driver* driver(const machine::qemu::QemuFacts& facts, const std::string& accelerator);
  machine::Driver* driver(const machine::firecracker::FirecrackerFacts& facts);
  Task<Result<machine::Driver*>> qemu_driver(const std::string& kernel);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  store::Store& store_;
  std::string path_variable_;
  machine::firecracker::Jailer* jailer_;  ///< null: Firecracker runs without jails
  host::Mutex probing_;
  std::optional<machine::qemu::QemuFacts> facts_;
  std::optional<machine::firecracker::FirecrackerFacts> firecracker_;
  std::map<std::string, std::unique_ptr<machine::Driver>> drivers_;  ///< QEMU's by accelerator, and "firecracker"
};

}  // namespace banger::engine
