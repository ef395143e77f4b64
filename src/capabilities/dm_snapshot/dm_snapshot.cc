// The privileged operations behind the storage "dm-snapshot" (dm_snapshot.h). A request names an id and two files. The
// files are opened beneath the install's directories. Names and tables of the devices are made here.
#include "capabilities/dm_snapshot/dm_snapshot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "base/text.h"
#include "capabilities/bounds.h"
#include "capabilities/dm_snapshot/snapshot_disks.h"
#include "host/beneath.h"
#include "vm/bounds.h"

namespace banger::capabilities {

namespace {

using Type = PrivilegedArgument::Type;

constexpr std::size_t kIdBytes = 12;

Result<std::string> id_of(const Json& arguments) {
  auto id = TRY(get_string(arguments, "vm"));
  bool good = id.size() == kIdBytes &&
              std::ranges::all_of(id, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
  if (!good) return fail(ErrorCode::invalid, fmt::format("'{}' is not the id of a VM", printable(id, 40)));
  return id;
}

Result<Snapshot> snapshot_of(const PrivilegedContext& context, const Json& arguments) {
  auto size = TRY(get_int(arguments, "size_bytes"));
  if (size < 0 || static_cast<std::uint64_t>(size) < limits::kMinDiskBytes ||
      static_cast<std::uint64_t>(size) > limits::kMaxDiskBytes)
    return fail(ErrorCode::invalid,
                fmt::format("'size_bytes' must be between {} and {}", limits::kMinDiskBytes, limits::kMaxDiskBytes));
  return Snapshot{.id = TRY(id_of(arguments)),
                  .uid = context.owner_uid,
                  .gid = context.owner_gid,
                  .size_bytes = static_cast<std::uint64_t>(size)};
}

Result<> check_create(const PrivilegedContext& context, const Json& arguments) {
  TRY(snapshot_of(context, arguments));
  TRY(host::check_plain_path(TRY(get_string(arguments, "image"))));
  return host::check_plain_path(TRY(get_string(arguments, "disk")));
}

Result<> check_remove(const PrivilegedContext&, const Json& arguments) {
  TRY(id_of(arguments));
  return {};
}

Result<PrivilegedReply> create(const PrivilegedContext& context, const Json& arguments) {
  auto snapshot = TRY(snapshot_of(context, arguments));
  auto image = TRY(in("the image", host::open_owned_file(context.roots, TRY(get_string(arguments, "image")), O_RDONLY,
                                                         context.owner_uid)));
  auto disk = TRY(in(
      "the disk", host::open_owned_file(context.roots, TRY(get_string(arguments, "disk")), O_RDWR, context.owner_uid)));
  auto control = TRY(host::open_device_mapper());
  if (list_snapshots(context.owner_uid).size() >= limits::kSnapshots)
    return fail(ErrorCode::exhausted, fmt::format("there are {} snapshot devices already", limits::kSnapshots));
  TRY(make_snapshot({.control = *control}, snapshot, image, disk));
  return PrivilegedReply{.result = dump_json({{"device", snapshot_node(snapshot.id)}})};
}

Result<PrivilegedReply> remove(const PrivilegedContext& context, const Json& arguments) {
  auto id = TRY(id_of(arguments));
  auto control = host::open_device_mapper();
  // A kernel without device-mapper has no devices to remove.
  if (!control && control.error().code == ErrorCode::unsupported) return PrivilegedReply{};
  TRY(remove_snapshot({.control = *TRY(std::move(control))}, id, context.owner_uid));
  return PrivilegedReply{};
}

constexpr PrivilegedArgument kVm{"vm", Type::text,
                                 "the id of a VM: 12 of a-z and 0-9. The device is `/dev/banger/` and the id"};
constexpr PrivilegedArgument kCreate[] = {
    kVm,
    {"image", Type::text, "a regular file of the owner beneath the directories of the install. The file is only read"},
    {"disk", Type::text, "a regular file of the owner likewise. Writes to the device go to this file"},
    {"size_bytes", Type::number, "the size of the device: 64 MiB to 16 TiB, and not less than the image"},
};
constexpr PrivilegedArgument kRemove[] = {kVm};

// Device-mapper and loop devices require CAP_SYS_ADMIN. The files belong to the owner alone (0600), and the node is
// given to the owner too.
constexpr std::uint64_t kRemovePowers = power(CAP_SYS_ADMIN);
constexpr std::uint64_t kCreatePowers = kRemovePowers | power(CAP_DAC_OVERRIDE) | power(CAP_MKNOD) | power(CAP_CHOWN);

constexpr PrivilegedOperation kOperations[] = {
    {"storage.snapshot.create",
     "Makes a block device over the image with device-mapper and loop devices. Writes to the device do not change the "
     "image. The node belongs to the owner, and udev ignores the device",
     kCreate, check_create, create, "storage.snapshot.remove", kCreatePowers},
    {"storage.snapshot.remove", "Removes a device that no process has open. The files stay", kRemove, check_remove,
     remove, "", kRemovePowers},
};

}  // namespace

extern const Capability dm_snapshot;
constinit const Capability dm_snapshot = {
    .name = "dm_snapshot", .resource = make_host_resource<SnapshotDisks>, .privileged_ops = kOperations};

}  // namespace banger::capabilities
