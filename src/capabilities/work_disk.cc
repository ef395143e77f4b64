// The work disk: the VM's /root. It is an ext4 of its own, and starts as a copy of the image's work seed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"
#include "capabilities/capability.h"
#include "capabilities/disk_image.h"
#include "ext4/ext4.h"
#include "guest/disks.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

using guestcfg::Disk;

constexpr const char* kSerial = "work";
constexpr const char* kTarget = "/root";

std::string disk_path(const VmContext& vm) { return vm.directory + "/" + kWorkDisk; }

Result<> check_seed(const VmContext& vm) {
  struct stat seed{};
  if (vm.work_seed.empty()) return {};
  if (::stat(vm.work_seed.c_str(), &seed) < 0) return fail_errno(vm.work_seed);
  auto seed_bytes = static_cast<std::uint64_t>(seed.st_size);
  if (seed_bytes <= vm.spec.disk_bytes) return {};
  return fail(ErrorCode::invalid,
              fmt::format("a disk of {} is smaller than the image's own /root of {}", format_size(vm.spec.disk_bytes),
                          format_size(seed_bytes)),
              fmt::format("use --disk-size {}M or more", (seed_bytes + 0xfffff) >> 20));
}

Task<Result<>> prepare(const VmContext& vm) {
  if (auto fits = check_seed(vm); !fits) co_return in("work disk", std::move(fits));
  auto make = [id = vm.id, seed = vm.work_seed, size = vm.spec.disk_bytes](const std::string& path) {
    if (!seed.empty()) return host::clone_file(seed, path);
    return ext4::make_empty_ext4(path, {.label = "banger-work", .size_bytes = size, .uuid_seed = "work " + id});
  };
  co_return in("work disk", co_await ensure_disk(vm.runtime, disk_path(vm), vm.spec.disk_bytes, make));
}

Result<> add_to_machine(const VmContext& vm, machine::MachineConfig& config) {
  config.drives.push_back({.serial = kSerial, .path = disk_path(vm)});
  return {};
}

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  // After the drives of system_disk, which comes first in the list of capabilities.
  config.disks.push_back({.serial = kSerial,
                          .index = static_cast<std::uint32_t>(config.disks.size()),
                          .role = Disk::Role::work,
                          .grow = true,
                          .size_bytes = vm.spec.disk_bytes});
  return {};
}

Result<> apply(GuestTarget& target, const guestcfg::GuestConfig& config) {
  const Disk* work = guest::find_role(config, Disk::Role::work);
  if (!work || target.mode == ApplyMode::provision) return {};
  auto root = TRY(guest::Root::open(target.root));
  bool mounted_already = guest::is_mount_point(root, kTarget);
  if (mounted_already && !work->grow) return {};
  auto device = TRY(guest::find_device(config, *work));
  if (!mounted_already)
    TRY(in("the work disk", guest::mount_in(root, device, kTarget, "ext4", 0, guest::kDiskOptions)));
  if (!work->grow) return {};
  auto mounted = TRY(root.open_path(kTarget, O_RDONLY | O_DIRECTORY));
  return guest::grow_ext4(device, mounted.get(), work->size_bytes);
}

}  // namespace

extern const Capability work_disk;
constinit const Capability work_disk = {.name = "work_disk",
                                        .prepare = prepare,
                                        .machine = add_to_machine,
                                        .guest = add_to_guest,
                                        .apply = apply,
                                        .essential = true};

}  // namespace banger::capabilities
