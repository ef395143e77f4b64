// Which VMM runs a VM and why: what is installed, whether KVM truly runs guests. Answers are cached: the VMM's facts for the
// daemon's life, the KVM verdict in the store per host boot, VMM and kernel.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "config/config.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "machine/machine.h"
#include "machine/qemu/qemu.h"
#include "store/store.h"

namespace banger::roles::daemon {

class Machines {
 public:
  Machines(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config, store::Store& store,
           std::string path_variable);

  /// The driver for a new machine with this kernel. The first call per kernel may run the KVM probe (limits::kKvmProbeDeadline).
  /// `unsupported` when neither KVM nor software emulation runs guests.
  Task<Result<machine::Driver*>> choose(const std::string& kernel);
  /// The driver that can adopt this record.
  Task<Result<machine::Driver*>> for_record(const machine::MachineRecord& record);

  Task<Result<machine::qemu::QemuFacts>> qemu();
  /// The KVM verdict for this kernel, probing if it is not known yet.
  Task<Result<machine::qemu::KvmVerdict>> kvm(const std::string& kernel);
  /// The next question about KVM and this kernel is answered by trying anew.
  Task<Result<>> forget_kvm(const std::string& kernel);

 private:
  machine::Driver* driver(const machine::qemu::QemuFacts& facts, const std::string& accelerator);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  store::Store& store_;
  std::string path_variable_;
  host::Mutex probing_;
  std::optional<machine::qemu::QemuFacts> facts_;
  std::map<std::string, std::unique_ptr<machine::Driver>> drivers_;  ///< by accelerator
};

}  // namespace banger::roles::daemon
