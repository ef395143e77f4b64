// What a guest says about its ports, believed only as far as it makes sense.
#include "engine/reach/forwards.h"

#include <fmt/format.h>

#include "base/bounds.h"
#include "catch.h"

using namespace banger;
using namespace banger::engine;

TEST_CASE("forwards: where each port of the guest is reached from within") {
  auto ports = parse_guest_ports(
      R"({"ports":[{"address":"0.0.0.0","port":22},{"address":"::","port":80},{"address":"127.0.0.1","port":631},
      {"address":"10.0.2.15","port":7000},{"address":"fe80::1","port":7001},{"address":"127.0.0.53","port":53}]})");
  REQUIRE(ports.has_value());
  CHECK(*ports == GuestPorts{{22, "localhost:22"},
                             {53, "127.0.0.53:53"},
                             {80, "localhost:80"},
                             {631, "localhost:631"},
                             {7000, "10.0.2.15:7000"},
                             {7001, "[fe80::1]:7001"}});
}

TEST_CASE("forwards: a port on several addresses is reached through the guest's loopback, if it can be") {
  for (auto text : {R"({"ports":[{"address":"10.0.2.15","port":80},{"address":"0.0.0.0","port":80}]})",
                    R"({"ports":[{"address":"0.0.0.0","port":80},{"address":"10.0.2.15","port":80}]})"})
    CHECK(parse_guest_ports(text) == GuestPorts{{80, "localhost:80"}});
}

TEST_CASE("forwards: rows that make no sense are passed over") {
  auto ports = parse_guest_ports(
      R"({"ports":[{"address":"0.0.0.0","port":0},{"address":"0.0.0.0","port":65536},{"address":"0.0.0.0","port":-1},
      {"address":"x\r\ny","port":1},{"address":"","port":2},{"address":7,"port":3},{"port":4},)"
      R"({"address":"::"},7,null,{"address":"::","port":5}]})");
  CHECK(ports == GuestPorts{{5, "localhost:5"}});
}

TEST_CASE("forwards: what is no list of ports is refused") {
  for (auto text : {"", "{", "[]", "7", "{}", R"({"ports":7})", R"({"ports":{}})"}) {
    INFO(text);
    CHECK_FALSE(parse_guest_ports(text).has_value());
  }
}

TEST_CASE("forwards: of many ports the lowest stay") {
  std::string text;
  for (int port = 2000; port > 1000; --port)
    text += fmt::format(R"({}{{"address":"::","port":{}}})", text.empty() ? "" : ",", port);
  auto ports = parse_guest_ports("{\"ports\":[" + text + "]}");
  REQUIRE(ports.has_value());
  CHECK(ports->size() == limits::kForwardPorts);
  CHECK(ports->begin()->first == 1001);
  CHECK(ports->rbegin()->first == 1000 + limits::kForwardPorts);
}
