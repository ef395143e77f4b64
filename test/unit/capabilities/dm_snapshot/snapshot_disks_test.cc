// The journal of devices, around operations that succeed and fail.
#include "capabilities/dm_snapshot/snapshot_disks.h"

#include "capabilities/dm_snapshot/dm_snapshot.h"
#include "host/files.h"
#include "support/resource_host.h"

using namespace banger;
using namespace banger::capabilities;
using test::kVm;

namespace {

struct Operations final : capabilities::Privileged {
  Task<Result<capabilities::PrivilegedReply>> call(std::string operation, std::string) override {
    asked.push_back(operation);
    if (fails) co_return fail(ErrorCode::busy, "in use");
    co_return capabilities::PrivilegedReply{};
  }
  Way way() const override { return here ? Way::helper : Way::none; }
  std::vector<std::string> asked;
  bool fails = false, here = true;
};

struct Fixture : test::TestHost<Operations> {
  Fixture() {
    REQUIRE(host::write_file(directory / "system.img", std::string(4096, '\0')));
    reopen();
  }
  void reopen() {
    disks = std::make_unique<SnapshotDisks>(resource_host());
    REQUIRE(disks->load());
  }
  Result<> acquire() {
    VmContext vm{
        .runtime = runtime, .log = log, .id = kVm, .spec = spec, .directory = directory.path(), .rootfs = "/i"};
    machine::MachineConfig machine;
    return run(disks->acquire(vm, machine));
  }
  void release() { run(disks->release(kVm)); }
  void record() { REQUIRE(store->add_journal({0, store::kStorageOwner, "snapshot", kVm})); }

  vm::Spec spec{.system_bytes = 1 << 30, .storage = vm::Storage::dm_snapshot};
  std::unique_ptr<SnapshotDisks> disks;
};

}  // namespace

TEST_CASE("snapshot disks: what was recorded is removed by the next daemon, and forgotten only then") {
  Fixture b;
  b.record();
  b.reopen();
  CHECK(b.disks->holders() == std::vector<std::string>{kVm});
  b.operations.fails = true;
  b.release();
  CHECK(b.store->journal()->size() == 1);
  b.operations.fails = false;
  b.release();
  CHECK(b.store->journal()->empty());
  CHECK(b.disks->holders().empty());
}

TEST_CASE("snapshot disks: no operation runs for VMs without a snapshot") {
  Fixture b;
  b.spec.storage = vm::Storage::copy;
  CHECK(b.acquire());
  b.release();
  CHECK(b.operations.asked.empty());
  CHECK(b.disks->check(b.spec));
}

TEST_CASE("snapshot disks: the record is there before the device, also when it could not be made") {
  Fixture b;
  b.operations.fails = true;
  CHECK_FALSE(b.acquire());
  CHECK(b.operations.asked == std::vector<std::string>{"storage.snapshot.create"});
  CHECK(b.store->journal()->size() == 1);
}

TEST_CASE("snapshot disks: a host that cannot make them says so before a VM is made, with a way out") {
  Fixture b;
  b.operations.here = false;
  auto refused = b.disks->check(b.spec);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == (check_snapshots_work() ? ErrorCode::unavailable : ErrorCode::unsupported));
  CHECK(!refused.error().hint.empty());
}
