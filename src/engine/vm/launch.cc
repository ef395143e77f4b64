#include "engine/vm/launch.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "engine/vm/files.h"
#include "engine/vm/guest_limits.h"
#include "guestcfg/cpio.h"
#include "host/files.h"

namespace banger::engine {

namespace {

// Maps the kind of the saved state, if any, to the way in which the machine starts.
store::StartedFrom started_from(const std::optional<store::SaveRow>& save) {
  if (!save) return store::StartedFrom::boot;
  switch (save->kind) {
    case store::SaveKind::template_:
      return store::StartedFrom::clone;
    case store::SaveKind::suspend:
      return store::StartedFrom::resume;
    case store::SaveKind::snapshot:
      return store::StartedFrom::snapshot;
    case store::SaveKind::fork:
      return store::StartedFrom::fork;
  }
  return store::StartedFrom::boot;
}

// The kernel's own initrd, the agent's archive, and the guest config as a separate archive.
Task<Result<std::vector<std::string>>> boot_archives(VmParts& vm, const capabilities::VmContext& context,
                                                     const image::Kernel& kernel) {
  auto agent = CO_TRY(co_await vm.services.initramfs.agent_archive(kernel));
  auto guest = vm.disks.directory() + "/" + std::string(kGuestArchive);
  CO_TRY(host::write_file(guest, guestcfg::config_archive(CO_TRY(guest_config(context)))));
  std::vector<std::string> archives;
  if (!kernel.initrd.empty()) archives.push_back(kernel.initrd);
  archives.push_back(std::move(agent));
  archives.push_back(std::move(guest));
  co_return archives;
}

Result<MachineParts::Restore> restore_from(Services& services, const store::SaveRow& save,
                                           const machine::Driver& driver) {
  return MachineParts::Restore{.spec = TRY(saved_spec(save)),
                               .state = TRY(services.saves.state(save, driver.build_key()))};
}

// Written before the process exists, so that the daemon can find the process by its token after a crash. A power cut
// ends the process as well.
Result<> record_planned(VmParts& vm, const machine::Driver& driver, const machine::MachineConfig& config,
                        store::StartedFrom from) {
  TRY(vm.services.store.add_journal({0, vm.row().id, "process", config.token}, Durable::no));
  auto planned = [&](store::VmRow& row, vm::Spec&) {
    row.started_from = from;
    row.machine = dump_json(machine::to_json(driver.planned(config)));
  };
  return vm.record->edit(planned, Durable::no);
}

}  // namespace

Result<machine::MachineConfig> machine_config(const capabilities::VmContext& vm, const MachineParts& parts,
                                              machine::MachineConfig config) {
  config.id = vm.id;
  config.reason = parts.reason;
  config.token = parts.token;
  config.directory = vm.directory;
  config.vcpus = vm.spec.vcpus;
  config.memory_bytes = vm.spec.memory_bytes;
  config.metrics = parts.metrics;
  config.disk_limits = disk_limits_of(vm.spec);
  for (const auto* capability : capabilities::all())
    if (capability->machine) TRY(in(capability->name, capability->machine(vm, config)));
  if (parts.restore) {
    config.vcpus = parts.restore->spec.vcpus;
    config.memory_bytes = parts.restore->spec.memory_bytes;
    config.restore = parts.restore->state;
    config.restore->disk_limits = disk_limits_of(parts.restore->spec);
    return config;
  }
  config.kernel = parts.kernel;
  config.memory_file = parts.memory_file;
  config.initrds = parts.initrds;
  return config;
}

Task<Result<>> launch(VmParts& vm, const capabilities::VmContext& context, machine::MachineConfig acquired,
                      Launch launch) {
  auto& services = vm.services;
  launch.stages.begin("config");
  auto kernel = CO_TRY(services.kernels.get(vm.row().kernel));
  auto needs = network_needs(vm.spec());
  auto* driver = CO_TRY(co_await services.vmms.choose(kernel.vmlinux, needs));
  MachineParts parts{.token = to_hex(host::random_bytes(16)),
                     .reason = (co_await services.vmms.decide(kernel.vmlinux, needs)).value_or(Choice{}).why,
                     .metrics = services.config.metrics_poll_interval.count() > 0,
                     .memory_file = launch.memory_file,
                     .kernel = kernel.vmlinux,
                     .initrds = {},
                     .restore = {}};
  if (launch.save)
    parts.restore = CO_TRY(in("saved state", restore_from(services, *launch.save, *driver)));
  else
    parts.initrds = CO_TRY(co_await boot_archives(vm, context, kernel));
  auto config = CO_TRY(machine_config(context, parts, std::move(acquired)));
  if (!driver->inherits_taps())
    for (auto& tap : config.taps) tap.fd.reset();
  CO_TRY(record_planned(vm, *driver, config, started_from(launch.save)));

  launch.stages.begin("vmm");
  machine::StartObserver observer{.started = [&vm](const machine::MachineRecord& record) {
    auto write = [&](store::VmRow& row, vm::Spec&) { row.machine = dump_json(machine::to_json(record)); };
    return vm.record->edit(write, Durable::no);
  }};
  vm.machine->started(CO_TRY(co_await driver->start(config, observer)), std::move(launch.on_exit));
  co_return co_await services.resources.admit(vm.row().id, vm.spec());
}

}  // namespace banger::engine
