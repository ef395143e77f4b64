// What the daemon makes of the keeper's lock. The stories in test/net run real keepers.
#include "engine/network_keeper.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "catch.h"
#include "host/files.h"
#include "support/call_log.h"
#include "support/fake_privileged.h"
#include "support/run.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;

namespace {

/// A keeper's lock with that text, held by another descriptor.
struct Held {
  Held(const std::string& path, const std::string& text) {
    REQUIRE(host::write_file(path, text, 0600));
    lock = UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
  }
  UniqueFd lock;
};

struct Fixture {
  Fixture() {
    paths.state = directory.path();
    REQUIRE(host::make_private_directory(paths.run()));
  }
  test::TempDir directory;
  host::Runtime runtime;
  Logger log{-1, LogLevel::error};
  host::Paths paths;
  config::Config config;
  NetworkKeeper keeper{runtime, log, paths, config, {"/bin/false"}};
};

}  // namespace

TEST_CASE("network keeper: its processes are those of the lock that it holds") {
  test::TempDir directory;
  auto path = directory / "lock";
  CHECK(!keeper_processes(path));
  {
    Held held(path, "12 34\n");
    CHECK(keeper_processes(path) == KeeperProcesses{12, 34});
  }
  CHECK(!keeper_processes(path));  // nobody holds it any more
  for (const char* text : {"", "12", "12 \n", "x y", "-1 2", "0 3"}) {
    Held held(path, text);
    CHECK(!keeper_processes(path));
  }
}

TEST_CASE("network keeper: what is gone with the network needs no keeper to be removed") {
  Fixture f;
  for (const char* operation : {"bridge.remove", "tap.delete", "nat.clear"})
    CHECK(test::run(f.runtime, f.keeper.call(operation, "{}")));
  test::run(f.runtime, f.keeper.rest());
  CHECK(!f.keeper.running());
  CHECK(f.keeper.network() == nullptr);
}

TEST_CASE("network keeper: one that does not start is not tried again at once") {
  Fixture f;
  auto failed = test::run(f.runtime, f.keeper.call("bridge.ensure", "{}"));
  REQUIRE(!failed);
  CHECK(failed.error().message.starts_with("private network: "));
  CHECK(f.keeper.way() == capabilities::Privileged::Way::none);
  CHECK(f.keeper.missing());
}

TEST_CASE("network access: by the helper where there is one, and in the private network while a keeper runs") {
  Fixture f;
  test::CallLog log;
  test::FakePrivileged root(log);
  NetworkAccess access(root, f.keeper, f.config);
  CHECK(access.way() == capabilities::Privileged::Way::helper);
  CHECK(!access.missing());
  CHECK(test::run(f.runtime, access.call("bridge.ensure", "{}")));
  CHECK(log.steps() == std::vector<std::string>{"privileged bridge.ensure"});
  Held held(f.paths.run() + "/network.lock", "12 34\n");
  CHECK(access.is_private());
}

TEST_CASE("network access: root without a helper has the host's bridge only on request, or when it is there") {
  Fixture f;
  test::CallLog log;
  test::FakePrivileged root(log);
  root.now = capabilities::Privileged::Way::in_process;
  auto there = [](const std::string& name) { return name == "br-there"; };
  NetworkAccess access(root, f.keeper, f.config, there);
  {
    Held held(f.paths.run() + "/network.lock", "12 34\n");
    f.config.network = vm::NetworkChoice::bridge;
    CHECK(access.is_private());  // the network of VMs that run does not change
  }
  CHECK(access.way() == capabilities::Privileged::Way::in_process);
  CHECK(!access.missing());
  f.config.network = vm::NetworkChoice::automatic;
  f.config.bridge_name = "br-there";
  CHECK(access.way() == capabilities::Privileged::Way::in_process);
  f.config.bridge_name = "br-banger";
  CHECK(access.way() == (f.keeper.missing() ? root.now : capabilities::Privileged::Way::private_network));
}

TEST_CASE("network access: root has the host's bridge as the last way, with the reason") {
  Fixture f;
  test::CallLog log;
  test::FakePrivileged root(log);
  root.now = capabilities::Privileged::Way::in_process;
  NetworkAccess access(root, f.keeper, f.config, [](const std::string&) { return false; });
  CHECK(!test::run(f.runtime, f.keeper.call("bridge.ensure", "{}")));  // /bin/false is no keeper
  CHECK(access.way() == root.now);
  CHECK(access.missing());
}
