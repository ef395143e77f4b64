#include "net/resolv_conf.h"

#include "catch.h"

using namespace banger::net;
using Texts = std::vector<std::string>;

TEST_CASE("resolv_conf: servers and domains, whatever stands around them") {
  auto conf = parse_resolv_conf(
      "# comment\nnameserver 9.9.9.9\n; domain no\ndomain old.example\n  search\ta.example. b.example \r\n"
      "options edns0\nnameserver fe80::1%eth0\nnameserver\nnameserver\t1.1.1.1 trailing");
  CHECK(conf.servers == Texts{"9.9.9.9", "fe80::1%eth0", "1.1.1.1"});
  CHECK(conf.search == Texts{"a.example", "b.example"});
  CHECK(parse_resolv_conf("search .\n").search.empty());
  CHECK(parse_resolv_conf("").servers.empty());
}

TEST_CASE("resolv_conf: a guest asks the host's first server through the VMM, and the others itself") {
  auto servers = [](Texts host) { return user_mode_servers({.servers = std::move(host), .search = {}}); };
  CHECK(servers({}) == Texts{"10.0.2.3"});
  CHECK(servers({"127.0.0.53"}) == Texts{"10.0.2.3"});
  CHECK(servers({"9.9.9.9", "1.1.1.1"}) == Texts{"10.0.2.3", "1.1.1.1"});
  // The VMM takes the first IPv4 server. The guest has no IPv6, and of the host's loopback only 127.0.0.1.
  CHECK(servers({"2620:fe::fe", "9.9.9.9", "127.0.0.2", "127.0.0.1"}) == Texts{"10.0.2.3", "10.0.2.2"});
  // The VMM may ask the cloud's own server. The guest reaches no link-local address.
  CHECK(servers({"169.254.169.253"}) == Texts{"10.0.2.3"});
  CHECK(servers({"9.9.9.9", "169.254.169.253"}) == Texts{"10.0.2.3"});
  CHECK(servers({"9.9.9.9", "1.1.1.1", "1.1.1.1", "8.8.8.8", "8.8.4.4"}) == Texts{"10.0.2.3", "1.1.1.1", "8.8.8.8"});
}
