// The journal of jails. A jail that could not be removed is kept in the journal, but no longer belongs to its VM.
#include "capabilities/jail/jails.h"

#include "support/resource_host.h"

using namespace banger;
using namespace banger::capabilities;
using test::kVm;

namespace {

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

struct Operations final : Privileged {
  Task<Result<PrivilegedReply>> call(std::string operation, std::string) override {
    asked.push_back(operation);
    if (fails) co_return fail(ErrorCode::busy, "not today");
    co_return PrivilegedReply{};
  }
  Way way() const override { return Way::in_process; }
  std::vector<std::string> asked;
  bool fails = false;
};

struct Fixture : test::TestHost<Operations> {
  Fixture() {
    config.jailer_enabled = true;
    restart();
  }
  void restart() {
    jails = std::make_unique<Jails>(resource_host());
    REQUIRE(jails->load());
    operations.asked.clear();
  }
  machine::firecracker::Jailer* acquire() {
    vm::Spec spec;
    VmContext vm{.runtime = runtime, .log = log, .id = kVm, .spec = spec};
    machine::MachineConfig machine;
    REQUIRE(run(jails->acquire(vm, machine)));
    return machine.jailer;
  }
  /// Starts a jail as the driver does, with a helper that starts no process.
  void start() {
    auto* jailer = acquire();
    REQUIRE(jailer);
    CHECK_FALSE(run(jailer->start({.vm_id = kVm, .token = kToken, .directory = directory.path()})));
  }
  void release() { run(jails->release(kVm)); }

  std::unique_ptr<Jails> jails;
};

}  // namespace

TEST_CASE("jails: machines are started in them only where the config asks for it") {
  Fixture b;
  CHECK(b.acquire() == b.jails.get());
  b.config.jailer_enabled = false;
  CHECK(b.acquire() == nullptr);
  b.release();
  CHECK(b.operations.asked.empty());
}

TEST_CASE("jails: one is recorded before it is made, known after a crash, and removed once") {
  Fixture b;
  b.operations.fails = true;
  b.start();
  CHECK(b.operations.asked.back() == "machine.jail");
  b.operations.fails = false;
  b.restart();
  CHECK(b.jails->holders() == std::vector<std::string>{kVm});
  b.release();
  b.release();
  CHECK(b.operations.asked == std::vector<std::string>{"machine.unjail"});
  CHECK(b.store->journal()->empty());
}

TEST_CASE("jails: a jail that cannot be removed outlives its VM as a leftover, until it is gone") {
  Fixture b;
  b.operations.fails = true;
  b.start();
  b.release();
  CHECK(b.jails->holders().empty());
  b.restart();
  auto left = b.jails->leftovers();
  REQUIRE(left.size() == 1);
  CHECK(left[0].path == kToken);
  CHECK_FALSE(b.run(b.jails->remove(left[0])));
  CHECK(b.jails->leftovers().size() == 1);
  b.operations.fails = false;
  CHECK(b.run(left[0].resource->remove(left[0])));
  CHECK(b.jails->leftovers().empty());
  CHECK(b.store->journal()->empty());
}

TEST_CASE("jails: doctor says whether they are wanted, and why they cannot be had") {
  Fixture b;
  auto checks = b.run(b.jails->checks());
  REQUIRE(checks.size() == 1);
  CHECK(checks[0].status == CheckStatus::fail);
  CHECK(!checks[0].hint.empty());
  b.config.jailer_enabled = false;
  CHECK(b.run(b.jails->checks())[0].status == CheckStatus::pass);
}
