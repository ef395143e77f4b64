#include "net/routes.h"

#include "catch.h"

using namespace banger;
using namespace banger::net;

namespace {
Range range(std::string_view address, std::uint32_t prefix) { return Range::around(*parse_ipv4(address), prefix); }
}  // namespace

TEST_CASE("routes: an unused range is no clash, and neither is the bridge's own route") {
  HostRoute routes[] = {{range("10.0.0.0", 24), "eth0"}, {range("172.16.0.0", 24), "br-banger"}};
  CHECK(check_clash(range("172.16.0.0", 24), routes, "br-banger"));
}

TEST_CASE("routes: a clash names the route, its device and a range that is free") {
  HostRoute routes[] = {{range("172.16.0.0", 16), "docker0"}, {range("10.0.0.0", 8), "tun0"}};
  auto clash = check_clash(range("172.16.0.0", 24), routes, "br-banger");
  REQUIRE_FALSE(clash);
  CHECK(clash.error().code == ErrorCode::exists);
  CHECK(clash.error().message ==
        "the network 172.16.0.0/24 is in use: this host has a route to 172.16.0.0/16 through docker0 (Docker)");
  CHECK(clash.error().hint == "set bridge_ip = \"192.168.0.1\" in the config");
}

TEST_CASE("routes: a clash with a narrower route is one, too") {
  HostRoute routes[] = {{range("172.16.0.77", 32), "wg0"}};
  CHECK_FALSE(check_clash(range("172.16.0.0", 24), routes, "br-banger"));
  CHECK(check_clash(range("172.16.1.0", 24), routes, "br-banger"));
}

TEST_CASE("routes: when everything private is taken there is nothing to suggest") {
  HostRoute routes[] = {{range("172.16.0.0", 12), "a"}, {range("10.0.0.0", 8), "b"}, {range("192.168.0.0", 16), "c"}};
  CHECK_FALSE(suggest_range(24, routes));
  CHECK_FALSE(check_clash(range("10.1.0.0", 24), routes, "br-banger").error().hint.empty());
  CHECK(suggest_range(8, {}) == range("10.0.0.0", 8));
}

TEST_CASE("routes: Docker's devices and its ranges are known") {
  CHECK(describe_device("docker0") == "docker0 (Docker)");
  CHECK(describe_device("br-0123456789ab") == "br-0123456789ab (Docker)");
  CHECK(describe_device("br-banger") == "br-banger");
  CHECK(docker_may_use(range("172.17.0.0", 24)));
  CHECK(docker_may_use(range("192.168.7.0", 24)));
  CHECK_FALSE(docker_may_use(range("172.16.0.0", 24)));
}
