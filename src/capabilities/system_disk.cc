// The root file system, by spec.storage:
//
//   overlay      The image's ext4, read-only, and over it (overlayfs) the VM's own system disk, which receives all
//                writes. The stores of Docker and containerd are on the system disk itself: overlayfs cannot be
//                stacked on an overlay's upper layer.
//   copy         The system disk is a copy of the image's ext4, with a journal. It is the root.
//   dm-snapshot  Like copy for the guest. On the host, the file of the system disk holds the blocks that differ from
//                the image. A device made of both (dm_snapshot.h) exists while the machine runs.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "capabilities/capability.h"
#include "capabilities/disk_image.h"
#include "capabilities/dm_snapshot/dm_snapshot.h"
#include "ext4/ext4.h"
#include "guest/boot_memory.h"
#include "guest/disks.h"
#include "host/files.h"

namespace banger::capabilities {

namespace {

using guestcfg::Disk;

constexpr const char* kRootfs = "rootfs";
constexpr const char* kSystem = "system";
constexpr const char* kLower = "/run/banger/rootfs";
// Banger's own files on a root without overlay, in the directory where packages keep their state.
constexpr const char* kOwnDirectory = "/var/lib/banger";

std::string disk_path(const VmContext& vm) { return vm.directory + "/" + kSystemDisk; }

Result<> check(const CheckContext& context) { return check_room(context.state_directory); }

Result<std::uint64_t> image_bytes(const VmContext& vm) {
  struct stat image{};
  if (::stat(vm.rootfs.c_str(), &image) < 0) return fail_errno(vm.rootfs);
  auto bytes = static_cast<std::uint64_t>(image.st_size);
  if (bytes <= vm.spec.system_bytes) return bytes;
  return fail(ErrorCode::invalid,
              fmt::format("a system disk of {} is smaller than the image's own {}", format_size(vm.spec.system_bytes),
                          format_size(bytes)),
              fmt::format("use --system-size {}M or more", (bytes + 0xfffff) >> 20));
}

Task<Result<>> prepare_copy(const VmContext& vm) {
  CO_TRY(image_bytes(vm));
  auto make = [image = vm.rootfs](const std::string& path) -> Result<> {
    TRY(host::clone_file(image, path));
    return ext4::ensure_journal(path);
  };
  co_return co_await ensure_disk(vm.runtime, disk_path(vm), vm.spec.system_bytes, make);
}

Task<Result<>> prepare_snapshot(const VmContext& vm) {
  CO_TRY(image_bytes(vm));
  auto bytes = snapshot_file_bytes(vm.spec.system_bytes);
  auto make = [bytes](const std::string& path) { return host::make_sparse_file(path, bytes); };
  co_return co_await ensure_disk(vm.runtime, disk_path(vm), bytes, make);
}

Task<Result<>> prepare(const VmContext& vm) {
  if (vm.spec.storage == vm::Storage::dm_snapshot) co_return in("system disk", co_await prepare_snapshot(vm));
  if (vm.spec.storage == vm::Storage::copy) co_return in("system disk", co_await prepare_copy(vm));
  auto make = [id = vm.id, size = vm.spec.system_bytes](const std::string& path) {
    return ext4::make_empty_ext4(path, {.label = "banger-system", .size_bytes = size, .uuid_seed = "system " + id});
  };
  co_return in("system disk", co_await ensure_disk(vm.runtime, disk_path(vm), vm.spec.system_bytes, make));
}

Result<> add_to_machine(const VmContext& vm, machine::MachineConfig& config) {
  if (!has_plain_root(vm.spec)) config.drives.push_back({.serial = kRootfs, .path = vm.rootfs, .read_only = true});
  bool device = vm.spec.storage == vm::Storage::dm_snapshot;
  config.drives.push_back({.serial = kSystem, .path = device ? snapshot_node(vm.id) : disk_path(vm), .device = device});
  return {};
}

Result<> add_to_guest(const VmContext& vm, guestcfg::GuestConfig& config) {
  if (!has_plain_root(vm.spec)) config.disks.push_back({.serial = kRootfs, .index = 0, .role = Disk::Role::rootfs});
  config.disks.push_back({.serial = kSystem,
                          .index = static_cast<std::uint32_t>(config.disks.size()),
                          .role = Disk::Role::system,
                          .grow = true,
                          .size_bytes = vm.spec.system_bytes});
  return {};
}

// -- in the guest

// The system disk is mounted at guest::kSystemDisk in every kind of storage.
Result<> grow_mounted(const std::string& device, const Disk& system) {
  if (!system.grow) return {};
  auto mounted = TRY(host::open_file(guest::kSystemDisk, O_RDONLY | O_DIRECTORY));
  return guest::grow_ext4(device, mounted.get(), system.size_bytes);
}

Result<> mount_layers(const guest::Root& initramfs, const guestcfg::GuestConfig& config, const Disk& rootfs,
                      const Disk& system) {
  auto lower = TRY(guest::find_device(config, rootfs));
  if (auto mounted = guest::mount_in(initramfs, lower, kLower, "ext4", MS_RDONLY, ""); !mounted)
    return std::unexpected(std::move(mounted.error())
                               .in("the image's root file system")
                               .with_hint("the image may be damaged; build it again"));
  auto upper = TRY(guest::find_device(config, system));
  TRY(in("the system disk", guest::mount_in(initramfs, upper, guest::kSystemDisk, "ext4", 0, guest::kDiskOptions)));
  return grow_mounted(upper, system);
}

Result<> make_layer_directory(const std::string& name, mode_t mode) {
  std::string path = fmt::format("{}/{}", guest::kSystemDisk, name);
  if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST) return fail_errno(path);
  return {};
}

Result<> mount_overlay(const guest::Root& initramfs, const std::string& target) {
  // The overlay's root directory gets its mode from the upper layer.
  struct stat root{};
  TRY(make_layer_directory("upper", ::stat(kLower, &root) == 0 ? root.st_mode & 07777 : 0755));
  TRY(make_layer_directory("work", 0700));
  // redirect_dir: directories of the image can be renamed, as on a plain file system. xino: one st_dev for the whole
  // tree, which `find -xdev` and tar --one-file-system rely on.
  auto options = fmt::format("lowerdir={},upperdir={}/upper,workdir={}/work,redirect_dir=on,xino=auto", kLower,
                             guest::kSystemDisk, guest::kSystemDisk);
  TRY(guest::mount_in(initramfs, "overlay", target, "overlay", 0, options));
  return {};
}

/// Directories that banger or most programs need. Images made for one program often lack them.
Result<> add_directories(const guest::Root& root) {
  TRY(root.force_directory("/etc"));
  TRY(root.force_directory("/tmp", 01777));
  return {};
}

/// Mounts a directory of the system disk on `path`, unless the image has content there, which must stay visible.
Result<> bind_store(const guest::Root& root, const std::string& path, const std::string& name, mode_t mode) {
  std::error_code error;
  std::filesystem::directory_iterator content(kLower + path, error);
  if (!error && content != std::filesystem::directory_iterator()) return {};
  TRY(make_layer_directory(name, mode));
  TRY(root.force_directory(path, mode));
  return guest::mount_in(root, fmt::format("{}/{}", guest::kSystemDisk, name), path, "", MS_BIND, "");
}

Result<> mount_plain(GuestTarget& target, const guestcfg::GuestConfig& config, const Disk& system) {
  auto initramfs = TRY(guest::Root::open("/"));
  auto device = TRY(guest::find_device(config, system));
  TRY(in("the system disk", guest::mount_in(initramfs, device, target.root, "ext4", 0, guest::kDiskOptions)));
  auto root = TRY(guest::Root::open(target.root));
  TRY(add_directories(root));
  auto own = TRY(root.force_directory(kOwnDirectory, 0700));
  TRY(guest::mount_in(initramfs, guest::fd_path(own.get()), guest::kSystemDisk, "", MS_BIND, ""));
  target.first_boot = !guest::has_booted();
  return grow_mounted(device, system);
}

Result<> build_root(GuestTarget& target, const guestcfg::GuestConfig& config, const Disk& rootfs, const Disk& system) {
  auto initramfs = TRY(guest::Root::open("/"));
  TRY(mount_layers(initramfs, config, rootfs, system));
  TRY(mount_overlay(initramfs, target.root));
  auto root = TRY(guest::Root::open(target.root));
  TRY(add_directories(root));
  TRY(bind_store(root, "/var/lib/docker", "docker", 0710));
  TRY(bind_store(root, "/var/lib/containerd", "containerd", 0711));
  // The overlay keeps the lower layer mounted. The system disk stays visible to root, for growing and freezing it.
  ::umount2(kLower, MNT_DETACH);
  ::rmdir(kLower);
  target.first_boot = !guest::has_booted();
  return {};
}

Result<> apply(GuestTarget& target, const guestcfg::GuestConfig& config) {
  if (target.mode == ApplyMode::provision) return {};
  const Disk* rootfs = guest::find_role(config, Disk::Role::rootfs);
  const Disk* system = guest::find_role(config, Disk::Role::system);
  if (target.mode == ApplyMode::boot) {
    if (!system) return fail(ErrorCode::invalid, "the guest config names no system disk");
    return rootfs ? build_root(target, config, *rootfs, *system) : mount_plain(target, config, *system);
  }
  if (!system || !system->grow) return {};
  return grow_mounted(TRY(guest::find_device(config, *system)), *system);
}

}  // namespace

extern const Capability system_disk;
constinit const Capability system_disk = {.name = "system_disk",
                                          .check = check,
                                          .prepare = prepare,
                                          .machine = add_to_machine,
                                          .guest = add_to_guest,
                                          .apply = apply,
                                          .essential = true};

}  // namespace banger::capabilities
