// The kernel's modules at the path where modprobe looks for them, on a disk that all VMs of a kernel share. So a
// container engine, a firewall or a VPN finds its modules in every image. initramfs.h is about early modules.
//
// Each VM has a name of its own for the disk. So a VM keeps the modules of its boot when the kernel is pulled again.
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capabilities/capability.h"
#include "guest/disks.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

using guestcfg::Disk;

constexpr const char* kSerial = "modules";

std::string disk_path(const VmContext& vm) { return fmt::format("{}/{}", vm.directory, kModulesDisk); }
bool has_disk(const VmContext& vm) { return ::access(disk_path(vm).c_str(), F_OK) == 0; }

Task<Result<>> prepare(const VmContext& vm) {
  if (vm.restores) co_return Result<>{};
  if (vm.modules.empty()) co_return host::remove_file(disk_path(vm));
  auto share = [from = vm.modules, to = disk_path(vm)] { return host::share_file(from, to); };
  co_return in("the kernel's modules", co_await vm.runtime.blocking(std::move(share)));
}

Result<> add_to_machine(const VmContext& vm, machine::MachineConfig& config) {
  if (has_disk(vm)) config.drives.push_back({.serial = kSerial, .path = disk_path(vm), .read_only = true});
  return {};
}

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  // After all other drives, as in add_to_machine().
  if (has_disk(vm))
    config.disks.push_back(
        {.serial = kSerial, .index = static_cast<std::uint32_t>(config.disks.size()), .role = Disk::Role::modules});
  return {};
}

Result<> apply(GuestTarget& target, const guestcfg::GuestConfig& config) {
  const Disk* modules = guest::find_role(config, Disk::Role::modules);
  if (!modules || target.mode != ApplyMode::boot) return {};
  utsname kernel{};
  ::uname(&kernel);
  auto directory = fmt::format("/lib/modules/{}", kernel.release);
  auto root = TRY(guest::Root::open(target.root));
  // An image with modules for this very kernel may have more of them.
  if (root.exists(directory + "/modules.dep")) return {};
  return guest::mount_in(root, TRY(guest::find_device(config, *modules)), directory, "ext4", MS_RDONLY, "");
}

}  // namespace

extern const Capability kernel_modules;
constinit const Capability kernel_modules = {
    .name = "kernel_modules", .prepare = prepare, .machine = add_to_machine, .guest = add_to_guest, .apply = apply};

}  // namespace banger::capabilities
