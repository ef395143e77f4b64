// The VMMs of this host: which ones are installed, and whether KVM can really run guests. The daemon remembers the
// facts about each VMM. The store keeps the KVM verdict per boot of the host, VMM and kernel.
#pragma once

#include <unistd.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "config/config.h"
#include "engine/kvm_device.h"
#include "engine/vmm_choice.h"
#include "host/paths.h"
#include "host/runtime.h"
#include "store/store.h"

namespace banger::engine {

/// This host's KVM. Tests replace both.
struct HostKvm {
  std::function<KvmDevice()> device = [] { return find_kvm(); };
  bool may_jail = ::geteuid() != 0;  ///< a daemon that runs as root uses no jails
};

class InstalledVmms final : public VmmChoice {
 public:
  InstalledVmms(host::Runtime& runtime, const Logger& log, const host::Paths& paths, const config::Config& config,
                store::Store& store, std::string path_variable, HostKvm host_kvm = {});

  Task<Result<machine::Driver*>> choose(const std::string& kernel, NetworkNeeds network) override;
  Task<Result<Choice>> decide(const std::string& kernel, NetworkNeeds network) override;
  Task<Result<machine::Driver*>> for_record(const machine::MachineRecord& record) override;
  std::optional<host::ProcessId> find_process(std::string_view token) const override;
  bool is_alive(const machine::MachineRecord& record) const override;
  Task<Result<machine::qemu::QemuFacts>> qemu() override;
  Task<Result<machine::firecracker::FirecrackerFacts>> firecracker() override;
  Task<Result<machine::KvmVerdict>> kvm(const std::string& kernel) override;
  Task<Result<machine::KvmVerdict>> firecracker_kvm(const std::string& kernel) override;
  Task<Result<>> forget_kvm(const std::string& kernel) override;

 private:
  machine::Driver* driver(const machine::qemu::QemuFacts& facts, const std::string& accelerator);
  machine::Driver* driver(const machine::firecracker::FirecrackerFacts& facts);
  /// The stored verdict, or that of `probe`, which gets a directory for its files.
  using Probe = std::function<Task<machine::KvmVerdict>(const std::string& scratch)>;
  Task<Result<machine::KvmVerdict>> stored_or(std::string vmm, std::string key, Probe probe);
  Task<Result<machine::Driver*>> qemu_driver(const std::string& kernel);

  host::Runtime& runtime_;
  const Logger& log_;
  const host::Paths& paths_;
  const config::Config& config_;
  store::Store& store_;
  std::string path_variable_;
  HostKvm host_kvm_;
  host::Mutex probing_;
  std::optional<machine::qemu::QemuFacts> facts_;
  std::optional<machine::firecracker::FirecrackerFacts> firecracker_;
  std::map<std::string, std::unique_ptr<machine::Driver>>
      drivers_;  ///< by accelerator and processor (QEMU), or "firecracker"
};

}  // namespace banger::engine
