// Garbage without an owner is found and removed. Whether a VM owns a machine decides between life and SIGKILL.
#include "engine/health/gc.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "engine/fixture.h"
#include "host/files.h"
#include "host/recorded_directory.h"

using namespace banger;
using namespace banger::engine;
namespace fs = std::filesystem;

namespace {

const std::string kToken = "00112233445566778899aabbccddeeff", kOther = "ffeeddccbbaa99887766554433221100";

machine::LiveMachine live() { return {.process = {4711, 1}, .vm_id = "abcdefghijkl", .tokens = {kToken}}; }

store::VmRow row(std::string id, std::string state, const std::string& token = "") {
  store::VmRow row;
  row.id = std::move(id);
  row.state = std::move(state);
  machine::MachineRecord record{.driver = "qemu", .accelerator = "tcg", .version = "7.2", .token = token};
  if (!token.empty()) row.machine = dump_json(machine::to_json(record));
  return row;
}

}  // namespace

TEST_CASE("gc: a machine in the directory of a VM that is not stopped belongs to the VM, adopted or not") {
  for (const char* state : {"running", "starting", "suspending", "stopping", "creating", "deleting"}) {
    INFO(state);
    CHECK(owns(row("abcdefghijkl", state), live()));
    CHECK(owns(row("abcdefghijkl", state, kOther), live()));
    CHECK(!owns(row("zzzzzzzzzzzz", state), live()));
  }
}

TEST_CASE("gc: a machine in the directory of a stopped VM is a stray, unless the record names it") {
  for (const char* state : {"stopped", "suspended"}) {
    INFO(state);
    CHECK(!owns(row("abcdefghijkl", state), live()));
    CHECK(!owns(row("abcdefghijkl", state, kOther), live()));
    CHECK(owns(row("abcdefghijkl", state, kToken), live()));
  }
}

TEST_CASE("gc: an unknown state or an unreadable record never costs a machine its life") {
  CHECK(owns(row("abcdefghijkl", "hibernating"), live()));
  auto broken = row("abcdefghijkl", "running");
  broken.machine = "{";
  CHECK(owns(broken, live()));
}

namespace {

struct Fixture : test::Fixture {
  /// The garbage in this test's directory. The host may have other garbage.
  std::vector<Garbage> collect(Collect what) {
    auto found = run(collect_garbage(daemon->services, vms, Collect::list_only));
    REQUIRE(found);
    if (what == Collect::remove) {
      REQUIRE(std::ranges::all_of(*found, [this](const auto& item) { return is_ours(item); }));
      found = run(collect_garbage(daemon->services, vms, Collect::remove));
      REQUIRE(found);
    }
    std::erase_if(*found, [this](const auto& item) { return !is_ours(item); });
    return *found;
  }
  bool is_ours(const Garbage& item) const { return item.path.starts_with(directory.path()); }
  std::string plant(const std::string& path) const {
    fs::create_directories(path);
    REQUIRE(host::write_file(path + "/file", "x"));
    return path;
  }

  VmManager vms{daemon->services};
};

void check_one(const std::vector<Garbage>& found, const std::string& kind, const std::string& path) {
  REQUIRE(found.size() == 1);
  CHECK(found.front().kind == kind);
  CHECK(found.front().path == path);
  CHECK_FALSE(found.front().reason.empty());
}

}  // namespace

TEST_CASE("gc: known VMs and saved states are no garbage") {
  Fixture f;
  auto vm = f.running();
  f.vms.registry().add(vm);
  REQUIRE(f.save_as(*vm, store::SaveKind::snapshot, "good"));
  CHECK(f.collect(Collect::list_only).empty());
}

TEST_CASE("gc: a directory without a VM is found, and stays unless removal is asked for") {
  Fixture f;
  auto path = f.plant(f.paths.vm("aaaaaaaaaaaa"));
  check_one(f.collect(Collect::list_only), "directory", path);
  CHECK(fs::exists(path));
  auto found = f.collect(Collect::remove);
  check_one(found, "directory", path);
  CHECK(found.front().removed);
  CHECK_FALSE(fs::exists(path));
  CHECK(f.collect(Collect::list_only).empty());
}

TEST_CASE("gc: files that an operation of a VM left are found, unless an operation may be at work") {
  Fixture f;
  auto vm = f.stopped();
  f.vms.registry().add(vm);
  auto path = f.plant(f.paths.vm(vm->record().id()) + "/restore.part");
  check_one(f.collect(Collect::remove), "file", path);
  CHECK_FALSE(fs::exists(path));
  REQUIRE(f.start(*vm));
  f.plant(path);
  CHECK(f.collect(Collect::list_only).empty());
}

TEST_CASE("gc: files without a saved state are found and removed") {
  Fixture f;
  auto path = f.plant(f.paths.save("aaaaaaaaaaaa"));
  check_one(f.collect(Collect::remove), "saved state", path);
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("gc: the stage of a killed download is found and removed") {
  Fixture f;
  auto path = f.plant(f.directory / "here/.banger-cp-0011223344556677");
  fs::create_directories(host::copy_records(f.paths));
  REQUIRE(host::write_file(host::copy_records(f.paths) + "/0011223344556677", path));
  check_one(f.collect(Collect::list_only), "copy", path);
  check_one(f.collect(Collect::remove), "copy", path);
  CHECK_FALSE(fs::exists(path));
  CHECK(fs::is_empty(host::copy_records(f.paths)));
}

TEST_CASE("gc: archives of removed kernels are found, and archives of existing kernels stay") {
  Fixture f;
  REQUIRE(f.run(f.daemon->initramfs.agent_archive(*f.daemon->kernels.get("tiny"))));
  CHECK(f.collect(Collect::list_only).empty());
  auto path = f.paths.cache + "/initramfs/" + std::string(16, 'f') + "-0-0.cpio";
  REQUIRE(host::write_file(path, "x"));
  check_one(f.collect(Collect::remove), "cache", path);
  CHECK_FALSE(fs::exists(path));
}

TEST_CASE("gc: an image is an orphan when it has no name and no VM uses it") {
  Fixture f;
  auto image = *f.daemon->images.get("tiny");
  CHECK_FALSE(is_orphan(image, f.vms.registry()));
  image.name = "";
  image.source = "vm:box";
  CHECK_FALSE(is_orphan(image, f.vms.registry()));
  image.source = "registry:host:5000/app:latest";
  CHECK(is_orphan(image, f.vms.registry()));
  image.source = "recipe:tiny";
  CHECK(is_orphan(image, f.vms.registry()));
  auto vm = f.stopped();
  f.vms.registry().add(vm);
  CHECK_FALSE(is_orphan(image, f.vms.registry()));
}
