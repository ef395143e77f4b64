// How the device of a snapshot is made and removed (dm_snapshot.h).
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/text.h"
#include "capabilities/dm_snapshot/dm_snapshot.h"
#include "host/files.h"
#include "host/loop_device.h"

namespace banger::capabilities {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSectorBytes = 512;
constexpr std::uint64_t kChunkBytes =
    4096;  // the unit of copying: one block of ext4, so that no write has to read first
constexpr std::uint64_t kChunkSectors = kChunkBytes / kSectorBytes;
// Sources: Documentation/admin-guide/device-mapper/snapshot.rst, drivers/md/dm-snap-persistent.c. Each copied chunk has
// one exception record. The file begins with "SnAp", then 1 for as long as the snapshot is valid.
constexpr std::uint64_t kExceptionBytes = 16;
constexpr std::uint32_t kHeaderMagic = 0x70416e53;

std::string device_name(std::string_view id) { return fmt::format("banger-{}", id); }
std::string image_name(std::string_view id) { return fmt::format("banger-{}-image", id); }
std::string uuid_prefix(uid_t uid) { return fmt::format("BANGER-{}-", uid); }
std::string uuid_of(uid_t uid, std::string_view id) { return uuid_prefix(uid) + std::string(id); }
std::string number_of(dev_t device) { return fmt::format("{}:{}", major(device), minor(device)); }

Result<std::uint64_t> sectors_in(const UniqueFd& file, std::string_view what) {
  struct stat info{};
  if (::fstat(file.get(), &info) < 0) return fail_errno(what);
  auto sectors = static_cast<std::uint64_t>(info.st_size) / kSectorBytes;
  if (sectors < kChunkSectors) return fail(ErrorCode::invalid, fmt::format("{} is empty", what));
  return sectors;
}

/// The image, followed by zeros. ext4 does not use the zeros until it has grown.
std::vector<host::DmTarget> image_table(dev_t loop, std::uint64_t image, std::uint64_t whole) {
  std::vector<host::DmTarget> table{{0, image, "linear", number_of(loop) + " 0"}};
  if (whole > image) table.push_back({image, whole - image, "zero", ""});
  return table;
}

/// `exists` when a device of that name carries a different mark.
Result<> check_is_ours(const host::DeviceMapper& mapper, const std::string& name, const std::string& uuid) {
  auto there = TRY(mapper.find(name));
  if (!there || there->uuid == uuid) return {};
  return fail(ErrorCode::exists, fmt::format("the device {} belongs to another user or program", name));
}

// Other users could replace a node in a directory that they own.
Result<> prepare_directory(const std::string& path) {
  TRY(host::make_directories(path, 0755));
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return fail_errno(path);
  if (S_ISDIR(info.st_mode) && info.st_uid == 0 && !(info.st_mode & 022)) return {};
  return fail(ErrorCode::denied, fmt::format("{} is not a directory that only root can change", path));
}

Result<> make_node(const std::string& directory, const Snapshot& snapshot, dev_t device) {
  TRY(prepare_directory(directory));
  auto path = directory + "/" + snapshot.id;
  TRY(host::remove_file(path));
  // The node belongs to root until it is complete.
  if (::mknodat(AT_FDCWD, path.c_str(), S_IFBLK | 0600, device) < 0) return fail_errno(path);
  if (::fchownat(AT_FDCWD, path.c_str(), snapshot.uid, snapshot.gid, AT_SYMLINK_NOFOLLOW) == 0) return {};
  auto failed = fail_errno(path);
  (void)host::remove_file(path);
  return failed;
}

Result<> build(const SnapshotHost& host, const Snapshot& snapshot, const UniqueFd& image, const UniqueFd& file) {
  host::DeviceMapper mapper(host.control);
  auto image_sectors = TRY(sectors_in(image, "the image"));
  TRY(sectors_in(file, "the disk"));
  auto sectors = (snapshot.size_bytes + kChunkBytes - 1) / kChunkBytes * kChunkSectors;
  if (sectors < image_sectors)
    return fail(ErrorCode::invalid,
                fmt::format("the image is larger than the disk of {}", format_size(snapshot.size_bytes)));
  auto lower_loop = TRY(in("the image", host::share_loop(image)));
  auto upper_loop = TRY(in("the disk", host::attach_loop(file)));
  auto uuid = uuid_of(snapshot.uid, snapshot.id);
  auto lower = TRY(mapper.create(image_name(snapshot.id), uuid + "-image",
                                 image_table(lower_loop.device, image_sectors, sectors), host::DmAccess::read_only));
  // P (persistent): the next device that is made of the same file finds the written data again.
  host::DmTarget target{
      0, sectors, "snapshot",
      fmt::format("{} {} P {}", number_of(lower.device), number_of(upper_loop.device), kChunkSectors)};
  auto device = TRY(mapper.create(device_name(snapshot.id), uuid, std::span(&target, 1), host::DmAccess::read_write));
  return make_node(host.nodes, snapshot, device.device);
}

/// The id in a device's uuid, if the device belongs to that owner.
std::string id_in(std::string_view uuid, uid_t uid) {
  auto prefix = uuid_prefix(uid);
  if (!uuid.starts_with(prefix)) return "";
  uuid.remove_prefix(prefix.size());
  return std::string(uuid.substr(0, uuid.find('-')));
}

}  // namespace

std::uint64_t snapshot_file_bytes(std::uint64_t size_bytes) {
  auto chunks = (size_bytes + kChunkBytes - 1) / kChunkBytes;
  // The header, and one chunk of exception records before the chunks that they describe. One more, because the kernel
  // clears the next one in advance.
  auto tables = chunks / (kChunkBytes / kExceptionBytes) + 2;
  return (1 + tables + chunks) * kChunkBytes;
}

Result<> revive_snapshot_file(const std::string& path) {
  auto file = TRY(host::open_file(path, O_RDWR));
  std::uint32_t header[2] = {};
  if (::pread(file.get(), header, sizeof header, 0) != static_cast<ssize_t>(sizeof header))
    return fail(ErrorCode::corrupt, path + " is too short");
  if (header[0] != kHeaderMagic || header[1] == 1) return {};
  header[1] = 1;
  if (::pwrite(file.get(), header, sizeof header, 0) != static_cast<ssize_t>(sizeof header)) return fail_errno(path);
  return {};
}

Result<> make_snapshot(const SnapshotHost& host, const Snapshot& snapshot, const UniqueFd& image,
                       const UniqueFd& file) {
  TRY(remove_snapshot(host, snapshot.id, snapshot.uid));
  auto built = build(host, snapshot, image, file);
  if (!built) (void)remove_snapshot(host, snapshot.id, snapshot.uid);
  return built;
}

Result<> remove_snapshot(const SnapshotHost& host, std::string_view id, uid_t uid) {
  host::DeviceMapper mapper(host.control);
  auto uuid = uuid_of(uid, id);
  TRY(check_is_ours(mapper, device_name(id), uuid));
  TRY(check_is_ours(mapper, image_name(id), uuid + "-image"));
  // The device first: the removal changes nothing while a process has the device open.
  TRY(mapper.remove(device_name(id)));
  TRY(host::remove_file(fmt::format("{}/{}", host.nodes, id)));
  return mapper.remove(image_name(id));
}

std::vector<std::string> list_snapshots(uid_t uid, const std::string& sys_block, const std::string& nodes) {
  std::set<std::string> ids;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(sys_block, error)) {
    auto uuid = host::read_file(entry.path().string() + "/dm/uuid", 256);
    if (auto id = uuid ? id_in(trim(*uuid), uid) : ""; !id.empty()) ids.insert(id);
  }
  for (const auto& entry : fs::directory_iterator(nodes, error)) {
    struct stat info{};
    if (::lstat(entry.path().c_str(), &info) == 0 && info.st_uid == uid) ids.insert(entry.path().filename().string());
  }
  return {ids.begin(), ids.end()};
}

Result<> check_snapshots_work() {
  if (!host::has_device_mapper())
    return fail(ErrorCode::unsupported, "this host's kernel has no device-mapper",
                "load its module dm_snapshot, or use the storage \"copy\"");
  if (::access("/dev/loop-control", F_OK) < 0)
    return fail(ErrorCode::unsupported, "this host's kernel has no loop devices",
                "load its module loop, or use the storage \"copy\"");
  return {};
}

}  // namespace banger::capabilities
