// Snapshots of images: the requests to device-mapper, over real loop devices, and the arguments that the operations
// accept.
#include "capabilities/dm_snapshot/dm_snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "base/bounds.h"
#include "capabilities/capability.h"
#include "capabilities/dm_snapshot/stand_in.h"
#include "capabilities/privileged_table.h"
#include "catch.h"
#include "host/files.h"
#include "host/loop_device.h"
#include "support/temp_dir.h"
#include "vm/bounds.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

constexpr uid_t kUid = 4321;
constexpr const char* kId = "abcdefghijkl";

/// True, with a message, where the test cannot run.
bool cannot_run(const char* name) {
  if (::geteuid() != 0) {
    std::cout << "SKIPPED: " << name << ": loop devices are root's\n";
    return true;
  }
  if (::access("/dev/loop-control", F_OK) == 0) return false;
  std::cout << "SKIPPED: " << name << ": this host has no loop devices\n";
  return true;
}

struct Fixture {
  Fixture() {
    REQUIRE(host::make_sparse_file(directory / "image", 8 * limits::kMiB));
    REQUIRE(host::make_sparse_file(directory / "disk", snapshot_file_bytes(64 * limits::kMiB)));
    image = std::move(*host::open_file(directory / "image", O_RDONLY));
    disk = std::move(*host::open_file(directory / "disk", O_RDWR));
  }
  SnapshotHost host() { return {.control = mapper, .nodes = directory / "nodes"}; }
  Result<> make(std::uint64_t size = 64 * limits::kMiB, const char* id = kId) {
    return make_snapshot(host(), {.id = id, .uid = kUid, .gid = kUid, .size_bytes = size}, image, disk);
  }
  bool there(const std::string& name) { return mapper.devices.contains(name); }
  std::string node() { return directory / "nodes/abcdefghijkl"; }

  test::TempDir directory;
  test::DmStandIn mapper;
  UniqueFd image, disk;
};

const PrivilegedOperation& operation(std::string_view name) {
  for (const auto* each : privileged_table())
    if (each->name == name) return *each;
  FAIL("no operation " << name);
  throw 0;
}

}  // namespace

TEST_CASE("snapshot: the device is the image, zeros behind it, and the VM's file over both") {
  if (cannot_run("snapshot: the device is the image, zeros behind it, and the VM's file over both")) return;
  Fixture b;
  auto made = b.make();
  INFO((made ? "" : made.error().sentence()));
  REQUIRE(made);
  const auto& lower = b.mapper.devices.at("banger-abcdefghijkl-image");
  REQUIRE(lower.active);
  CHECK(lower.active->read_only);
  CHECK(lower.uuid == "BANGER-4321-abcdefghijkl-image");
  REQUIRE(lower.active->targets.size() == 2);
  CHECK(lower.active->targets[0].type == "linear");
  CHECK(lower.active->targets[0].length == 8 * limits::kMiB / 512);
  CHECK(lower.active->targets[1].type == "zero");
  const auto& device = b.mapper.devices.at("banger-abcdefghijkl");
  REQUIRE(device.active);
  CHECK(device.uuid == "BANGER-4321-abcdefghijkl");
  CHECK(device.active->sectors() == 64 * limits::kMiB / 512);
  CHECK_THAT(device.active->targets[0].parameters, Catch::EndsWith(" P 8"));
  struct stat node{};
  REQUIRE(::lstat(b.node().c_str(), &node) == 0);
  CHECK(S_ISBLK(node.st_mode));
  CHECK((node.st_mode & 07777) == 0600);
  CHECK(node.st_uid == kUid);
  CHECK(node.st_rdev == makedev(253, device.minor));
}

TEST_CASE("snapshot: made twice it is there once, removed twice it is gone, and no loop device stays") {
  if (cannot_run("snapshot: made twice it is there once, removed twice it is gone, and no loop device stays")) return;
  Fixture b;
  REQUIRE(b.make());
  REQUIRE(b.make(128 * limits::kMiB));
  CHECK(b.mapper.devices.size() == 2);
  CHECK(b.mapper.devices.at("banger-abcdefghijkl").active->sectors() == 128 * limits::kMiB / 512);
  CHECK(list_snapshots(kUid, "/nowhere", b.directory / "nodes") == std::vector<std::string>{kId});
  CHECK(list_snapshots(kUid + 1, "/nowhere", b.directory / "nodes").empty());
  struct stat loop{};
  REQUIRE(::fstat(b.mapper.devices.at("banger-abcdefghijkl").active->loops.at(0).get(), &loop) == 0);
  auto backing = "/sys/dev/block/" + std::to_string(major(loop.st_rdev)) + ":" + std::to_string(minor(loop.st_rdev)) +
                 "/loop/backing_file";
  CHECK(::access(backing.c_str(), F_OK) == 0);
  REQUIRE(remove_snapshot(b.host(), kId, kUid));
  REQUIRE(remove_snapshot(b.host(), kId, kUid));
  CHECK(b.mapper.devices.empty());
  CHECK(::access(b.node().c_str(), F_OK) < 0);
  auto text = host::read_file(backing, 4096);
  CHECK((!text || text->find(b.directory.path()) == text->npos));
}

TEST_CASE("snapshot: an open device is neither made anew nor removed") {
  if (cannot_run("snapshot: an open device is neither made anew nor removed")) return;
  Fixture b;
  REQUIRE(b.make());
  b.mapper.devices.at("banger-abcdefghijkl").opened = 1;
  CHECK(b.make().error().code == ErrorCode::busy);
  CHECK(remove_snapshot(b.host(), kId, kUid).error().code == ErrorCode::busy);
  CHECK(b.mapper.devices.size() == 2);
  CHECK(::access(b.node().c_str(), F_OK) == 0);
  b.mapper.devices.at("banger-abcdefghijkl").opened = 0;
  CHECK(remove_snapshot(b.host(), kId, kUid));
}

TEST_CASE("snapshot: wherever making it fails, nothing stays") {
  if (cannot_run("snapshot: wherever making it fails, nothing stays")) return;
  for (const char* call :
       {"create banger-abcdefghijkl-image", "load banger-abcdefghijkl-image", "resume banger-abcdefghijkl-image",
        "create banger-abcdefghijkl", "load banger-abcdefghijkl", "resume banger-abcdefghijkl"}) {
    CAPTURE(call);
    Fixture b;
    b.mapper.fail_at = call;
    CHECK_FALSE(b.make());
    CHECK(b.mapper.devices.empty());
    CHECK(::access(b.node().c_str(), F_OK) < 0);
  }
  Fixture b;
  CHECK(b.make(4 * limits::kMiB).error().code == ErrorCode::invalid);
  CHECK(b.mapper.devices.empty());
}

TEST_CASE("snapshot: half a device of a crash is removed first") {
  if (cannot_run("snapshot: half a device of a crash is removed first")) return;
  Fixture b;
  b.mapper.devices["banger-abcdefghijkl-image"].uuid = "BANGER-4321-abcdefghijkl-image";
  REQUIRE(b.make());
  CHECK(b.there("banger-abcdefghijkl"));
}

TEST_CASE("snapshot: a device of that name that is another's is left alone") {
  Fixture b;
  for (const char* uuid : {"", "LVM-xyz", "BANGER-1-abcdefghijkl"}) {
    b.mapper.devices["banger-abcdefghijkl"].uuid = uuid;
    CHECK(b.make().error().code == ErrorCode::exists);
    CHECK(remove_snapshot(b.host(), kId, kUid).error().code == ErrorCode::exists);
    CHECK(b.mapper.devices.size() == 1);
  }
}

TEST_CASE("snapshot: VMs of one image share its loop device") {
  if (cannot_run("snapshot: VMs of one image share its loop device")) return;
  Fixture b;
  REQUIRE(b.make());
  REQUIRE(host::make_sparse_file(b.directory / "other", snapshot_file_bytes(64 * limits::kMiB)));
  b.disk = std::move(*host::open_file(b.directory / "other", O_RDWR));
  REQUIRE(b.make(64 * limits::kMiB, "mnopqrstuvwx"));
  auto lower = [&](const char* id) {
    return b.mapper.devices.at(std::string("banger-") + id + "-image").active->targets[0].parameters;
  };
  CHECK(lower(kId) == lower("mnopqrstuvwx"));
}

TEST_CASE("snapshot: an image is never written to, a disk opened for reading is not taken") {
  if (cannot_run("snapshot: an image is never written to, a disk opened for reading is not taken")) return;
  Fixture b;
  b.disk = std::move(*host::open_file(b.directory / "disk", O_RDONLY));
  CHECK_FALSE(b.make());
  CHECK(b.mapper.devices.empty());
}

TEST_CASE("snapshot: the file has room for every block and its exception record") {
  // 8 GiB: 2097152 chunks, a table of 256 entries before each 256 of them.
  auto bytes = snapshot_file_bytes(8 * limits::kGiB);
  CHECK(bytes >= 8 * limits::kGiB + (1 + 8192) * 4096ull);
  CHECK(bytes < 8 * limits::kGiB + 33 * limits::kMiB);
  CHECK(snapshot_file_bytes(limits::kMinDiskBytes) > limits::kMinDiskBytes);
}

TEST_CASE("snapshot: an invalid one is made valid again, and no other file is changed") {
  test::TempDir directory;
  std::string sound("SnAp\1\0\0\0\1\0\0\0\10\0\0\0", 16), given_up = sound, fresh(16, '\0');
  given_up[4] = 0;
  for (const auto& [before, after] :
       {std::pair{sound, sound}, {given_up, sound}, {fresh, fresh}, {std::string(16, 'x'), std::string(16, 'x')}}) {
    directory.put("disk", before + std::string(4096, 'd'));
    REQUIRE(revive_snapshot_file(directory / "disk"));
    CHECK(*host::read_file(directory / "disk", 8192) == after + std::string(4096, 'd'));
  }
  directory.put("disk", "");
  CHECK_FALSE(revive_snapshot_file(directory / "disk"));
}

TEST_CASE("snapshot operations: ids, sizes and paths are what they may be, and nothing else") {
  Logger log{-1};
  PrivilegedContext context{.owner_uid = 1000,
                            .owner_gid = 1000,
                            .bridge_name = "br-t",
                            .bridge_ip = "172.16.0.1",
                            .prefix = 24,
                            .roots = {"/r"},
                            .log = log};
  Json good = {{"vm", kId}, {"image", "/r/i"}, {"disk", "/r/d"}, {"size_bytes", limits::kGiB}};
  auto accepts = [&](const char* name, Json arguments) {
    return validated(privileged_table(), context, name, arguments).has_value();
  };
  CHECK(accepts("storage.snapshot.create", good));
  CHECK(accepts("storage.snapshot.remove", {{"vm", kId}}));
  for (const char* id :
       {"", "abc", "abcdefghijklm", "abcdefghijkL", "abcdefghijk/", "../../../../x", "abcdefghij\nl"}) {
    CHECK_FALSE(accepts("storage.snapshot.remove", {{"vm", id}}));
    Json bad = good;
    bad["vm"] = id;
    CHECK_FALSE(accepts("storage.snapshot.create", bad));
  }
  for (const char* path : {"", "r/i", "/r/../etc/shadow", "/r//i", "/r/./i"})
    for (const char* key : {"image", "disk"}) {
      Json bad = good;
      bad[key] = path;
      CHECK_FALSE(accepts("storage.snapshot.create", bad));
    }
  for (std::int64_t size : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{4096}, INT64_MAX}) {
    Json bad = good;
    bad["size_bytes"] = size;
    CHECK_FALSE(accepts("storage.snapshot.create", bad));
  }
  CHECK(operation("storage.snapshot.create").undo == "storage.snapshot.remove");
  CHECK_FALSE(operation("storage.snapshot.remove").powers & power(CAP_DAC_OVERRIDE));
}
