// Published ports as text, and their rules.
#include "vm/published_port.h"

#include "catch.h"
#include "vm/bounds.h"

using namespace banger;
using vm::parse_published_port;
using vm::PublishedPort;

TEST_CASE("published port: without an address it is at the loopback address") {
  CHECK(parse_published_port("8080:80") == PublishedPort{"127.0.0.1", 8080, 80});
  CHECK(parse_published_port("0.0.0.0:443:8443") == PublishedPort{"0.0.0.0", 443, 8443});
  CHECK(parse_published_port("0:80") == PublishedPort{"127.0.0.1", 0, 80});
}

TEST_CASE("published port: its text has the address and reads back the same") {
  for (auto text : {"127.0.0.1:8080:80", "10.0.0.1:1:65535"}) {
    auto port = parse_published_port(text);
    REQUIRE(port);
    CHECK(to_string(*port) == text);
  }
}

TEST_CASE("published port: anything else is refused with an example") {
  for (auto text : {"", "80", ":80", "80:", "8080:0", "8080:65536", "-1:80", "8080:80:tcp", "localhost:8080:80",
                    "::1:8080:80", "1.2.3:8080:80", "127.0.0.1:8080:80:1", "8080: 80", "8080:80/udp"}) {
    INFO(text);
    auto port = parse_published_port(text);
    REQUIRE_FALSE(port);
    CHECK(port.error().code == ErrorCode::invalid);
    CHECK(port.error().hint == "write it like 8080:80; port 0 of the host is any free port");
  }
}

TEST_CASE("published ports: a place on the host is given once, and there is a limit") {
  PublishedPort one{"127.0.0.1", 8080, 80}, same{"127.0.0.1", 8080, 81}, elsewhere{"0.0.0.0", 8080, 80};
  CHECK(vm::check_published({one, elsewhere}));
  CHECK(vm::check_published({{"127.0.0.1", 0, 80}, {"127.0.0.1", 0, 80}}));
  CHECK(vm::check_published({one, same}).error().message == "the host's port 127.0.0.1:8080 is published twice");
  std::vector<PublishedPort> many;
  for (std::size_t i = 0; i <= limits::kPublishedPorts; ++i)
    many.push_back({"127.0.0.1", static_cast<std::uint16_t>(1000 + i), 80});
  CHECK_FALSE(vm::check_published(many));
  many.pop_back();
  CHECK(vm::check_published(many));
}
