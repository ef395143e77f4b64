// The relay to the host's proxy on the bridge: when there is one, and what guests learn of it.
#include <unistd.h>

#include "bridge_host.h"
#include "capabilities/bridge/network.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

struct Fixture : BridgeHost {
  Fixture() {
    operations.is = Privileged::Way::private_network;
    auto own = host::namespaces_of(::getpid());
    REQUIRE(own);
    operations.private_network = std::make_shared<const host::Namespaces>(std::move(*own));
  }
  std::unique_ptr<BridgeNetwork> bridge_with(http::ProxySettings proxy) {
    auto host = resource_host();
    host.proxy = std::move(proxy);
    auto bridge = std::make_unique<BridgeNetwork>(host);
    REQUIRE(bridge->load());
    VmContext vm{.runtime = runtime, .log = log, .id = kVm, .spec = spec};
    machine::MachineConfig machine;
    REQUIRE(run(bridge->acquire(vm, machine)));
    return bridge;
  }

  vm::Spec spec{.network = vm::Network::bridge};
};

}  // namespace

TEST_CASE("guest proxy: a private network has a relay only for the proxy that the host has") {
  Fixture b;
  CHECK(b.bridge_with({})->port(kVm)->proxy.empty());
  CHECK(b.operations.count("proxy.listen") == 0);
  auto bridge = b.bridge_with({.https = "http://proxy.corp:81"});
  CHECK(bridge->port(kVm)->proxy.starts_with("127.0.0.1:"));
  CHECK(b.operations.count("proxy.listen") == 1);
}

TEST_CASE("guest proxy: the gate is told where the relay is") {
  Fixture b;
  b.spec.egress = "none";
  auto bridge = b.bridge_with({.https = "http://proxy.corp:81"});
  REQUIRE(b.run(bridge->admit(kVm, b.spec)));
  REQUIRE(b.gate.place);
  REQUIRE(b.gate.place->proxy);
  CHECK(host::to_string(*b.gate.place->proxy) == bridge->port(kVm)->proxy);
}

TEST_CASE("guest proxy: a relay that cannot be made costs no guest its network, and doctor says why") {
  Fixture b;
  b.operations.fails = "proxy.listen";
  auto bridge = b.bridge_with({.https = "http://proxy.corp:81"});
  CHECK(bridge->port(kVm)->proxy.empty());
  auto checks = b.run(bridge->checks());
  REQUIRE(!checks.empty());
  CHECK(checks.back().name == "proxy relay");
  CHECK(checks.back().status == CheckStatus::warn);
  CHECK(checks.back().detail.find("not today") != std::string::npos);
}

TEST_CASE("guest proxy: a guest on the bridge is led to the relay, unless it reaches nothing outside") {
  Fixture b;
  VmContext vm{.runtime = b.runtime, .log = b.log, .id = kVm, .spec = b.spec};
  vm.proxy = {.https = "http://me:secret@proxy.corp:81"};
  vm.port = NetworkPort{.mac = "", .address = "172.16.0.5/24", .gateway = "172.16.0.1", .dns = {}};
  auto variables = [&] {
    guestcfg::GuestConfig config;
    for (const auto* capability : all())
      if (capability->name == "host_proxy") REQUIRE(capability->guest(vm, config));
    return config.environment;
  };
  CHECK(variables().empty());
  vm.port->proxy = "172.16.0.1:3128";
  CHECK(variables()["https_proxy"] == "http://172.16.0.1:3128");
  CHECK(variables()["NO_PROXY"] == "localhost,127.0.0.1,.vm,172.16.0.0/24");
  b.spec.nat = false;
  CHECK(variables().empty());
  b.spec.nat = true;
  // The gate knows the relay, and judges what a guest with a policy asks of it.
  b.spec.egress = "none";
  CHECK(variables().size() == 4);
  vm.proxy = {};
  CHECK(variables().empty());
  vm.port = std::nullopt;
  vm.proxy = {.http = "http://127.0.0.1:81"};
  b.spec.network = vm::Network::user;
  CHECK(variables().empty());
  b.spec.egress = "open";
  CHECK(variables()["http_proxy"] == "http://10.0.2.2:81");
}
