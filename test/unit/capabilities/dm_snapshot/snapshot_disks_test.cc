// What is recorded of devices, around operations that succeed and fail.
#include "capabilities/dm_snapshot/snapshot_disks.h"

#include <asio/io_context.hpp>
#include <filesystem>

#include "capabilities/dm_snapshot/dm_snapshot.h"
#include "catch.h"
#include "host/runtime.h"

using namespace banger;
using namespace banger::capabilities;

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

struct Bench {
  Bench() {
    char name[] = "/tmp/banger-snapshots-XXXXXX";
    directory = ::mkdtemp(name);
    store = std::move(*store::Store::open(directory + "/db"));
    reopen();
  }
  ~Bench() {
    disks.reset();
    store.reset();
    std::filesystem::remove_all(directory);
  }
  void reopen() {
    disks = std::make_unique<SnapshotDisks>(log, *store, operations);
    REQUIRE(disks->load());
  }
  Result<> run(Task<Result<>> task) {
    std::optional<Result<>> value;
    runtime.spawn(wait(std::move(task), value));
    runtime.io().restart();
    runtime.run();
    return std::move(*value);
  }
  static Task<> wait(Task<Result<>> task, std::optional<Result<>>& value) { value.emplace(co_await std::move(task)); }
  void record(const char* id) { REQUIRE(store->add_journal({0, store::kStorageOwner, "snapshot", id})); }

  std::string directory;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  Operations operations;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<SnapshotDisks> disks;
};

}  // namespace

TEST_CASE("snapshot disks: what was recorded is removed by the next daemon, and forgotten only then") {
  Bench b;
  b.record("abcdefghijkl");
  b.reopen();
  CHECK(b.disks->recorded() == std::vector<std::string>{"abcdefghijkl"});
  b.operations.fails = true;
  CHECK_FALSE(b.run(b.disks->detach("abcdefghijkl")));
  CHECK(b.store->journal()->size() == 1);
  b.operations.fails = false;
  CHECK(b.run(b.disks->detach("abcdefghijkl")));
  CHECK(b.store->journal()->empty());
  CHECK(b.disks->recorded().empty());
}

TEST_CASE("snapshot disks: nobody is asked to remove what was never made") {
  Bench b;
  CHECK(b.run(b.disks->detach("abcdefghijkl")));
  CHECK(b.operations.asked.empty());
}

TEST_CASE("snapshot disks: the record is there before the device, also when it could not be made") {
  Bench b;
  if (!capabilities::check_snapshots_work()) {
    auto refused = b.run(b.disks->attach("abcdefghijkl", "/i", "/d", 1 << 30));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::unsupported);
    CHECK(!refused.error().hint.empty());
    CHECK(b.store->journal()->empty());
    return;
  }
  b.operations.fails = true;
  CHECK_FALSE(b.run(b.disks->attach("abcdefghijkl", "/i", "/d", 1 << 30)));
  CHECK(b.store->journal()->size() == 1);
  b.operations.here = false;
  CHECK(b.disks->check().error().code == ErrorCode::unavailable);
}
