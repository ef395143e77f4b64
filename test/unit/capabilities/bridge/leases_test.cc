// Addresses of VMs on the bridge.
#include "capabilities/bridge/leases.h"

#include "catch.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

constexpr net::Ipv4 kHost = 0xac100001;  // 172.16.0.1
const net::Bridge kBridge{.name = "br-t", .address = kHost, .prefix = 29};

}  // namespace

TEST_CASE("leases: a VM gets the lowest free address, and keeps it until it is forgotten") {
  Leases leases;
  CHECK(leases.choose("a", kBridge).value() == kHost + 1);
  CHECK(!leases.find("a"));
  leases.set("a", kHost + 1);
  CHECK(leases.choose("b", kBridge).value() == kHost + 2);
  leases.set("b", kHost + 2);
  CHECK(leases.choose("a", kBridge).value() == kHost + 1);
  leases.forget("a");
  CHECK(!leases.find("a"));
  CHECK(leases.choose("c", kBridge).value() == kHost + 1);
  CHECK(leases.choose("b", kBridge).value() == kHost + 2);
}

TEST_CASE("leases: a lease that is outside of the range, or the bridge's own address, is replaced") {
  Leases leases;
  leases.set("a", 0x0a000001);
  leases.set("b", kHost);
  CHECK(leases.choose("a", kBridge).value() == kHost + 1);
  CHECK(leases.choose("b", kBridge).value() == kHost + 1);
}

TEST_CASE("leases: a full range is an error with a hint") {
  Leases leases;
  for (net::Ipv4 i = 1; i <= 5; ++i) leases.set(std::string(1, static_cast<char>('a' + i)), kHost + i);
  auto full = leases.choose("x", kBridge);
  CHECK(full.error().code == ErrorCode::exhausted);
  CHECK(full.error().message == "all addresses of 172.16.0.0/29 are leased");
  CHECK(!full.error().hint.empty());
}
