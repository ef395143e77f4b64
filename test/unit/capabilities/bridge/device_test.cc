// The bridge itself: its journal entry, and the order of making and removing.
#include "capabilities/bridge/device.h"

#include "bridge_host.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture : BridgeHost {
  bool remove(bool in_use) {
    return run(device.remove([=] { return in_use; })).has_value();
  }
  BridgeDevice device{resource_host()};
};

}  // namespace

TEST_CASE("bridge device: is recorded before it is made, and until it is removed") {
  Fixture f;
  f.operations.fails = "bridge.ensure";
  CHECK(!f.run(f.device.ensure()));
  CHECK(f.owners("bridge") == std::vector<std::string>{store::kBridgeOwner});
  CHECK(f.device.trouble()->message == "not today");
  CHECK(!f.device.made());
  f.operations.fails = "nothing";
  REQUIRE(f.run(f.device.ensure()));
  CHECK(f.owners("bridge").size() == 1);
  CHECK(!f.device.trouble());
  CHECK(f.device.made()->name == "br-t");
  CHECK(f.remove(false));
  CHECK(f.operations.count("dns.route") == 1);
  CHECK(f.owners("bridge").empty());
  CHECK(!f.device.made());
}

TEST_CASE("bridge device: is not removed while it is in use, nor without a record") {
  Fixture f;
  CHECK(f.remove(false));
  CHECK(f.operations.asked.empty());
  REQUIRE(f.run(f.device.ensure()));
  CHECK(f.remove(true));
  CHECK(f.operations.count("bridge.remove") == 0);
  CHECK(f.device.made());
}

TEST_CASE("bridge device: one of an earlier daemon is removed, one that cannot be removed stays recorded") {
  Fixture f;
  f.device.load({0, store::kBridgeOwner, "bridge", "br-t"});
  CHECK(f.device.recorded());
  f.operations.fails = "bridge.remove";
  CHECK(!f.remove(false));
  CHECK(f.device.recorded());
  f.operations.fails = "nothing";
  CHECK(f.remove(false));
  CHECK(!f.device.recorded());
}

TEST_CASE("bridge device: is not made while the daemon ends") {
  Fixture f;
  f.device.close();
  CHECK(f.run(f.device.ensure()).error().code == ErrorCode::cancelled);
  CHECK(f.operations.asked.empty());
}

TEST_CASE("bridge device: a config with impossible addresses names the key") {
  Fixture f;
  REQUIRE(f.device.configured());
  f.config.bridge_ip = "no";
  CHECK(f.device.configured().error().message.starts_with("bridge_ip: "));
  f.config.bridge_ip = "172.16.0.1";
  f.config.default_dns = "no";
  CHECK(f.device.configured().error().message.starts_with("default_dns: "));
}
