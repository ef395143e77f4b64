#include "roles/agent/address.h"

#include "catch.h"

using namespace banger::roles::agent;

namespace {
std::string shown(std::string_view text) {
  auto authority = parse_authority(text);
  return authority ? authority->host + " " + std::to_string(authority->port) : "refused";
}
using List = std::vector<std::string>;
}  // namespace

TEST_CASE("address: splits host and port") {
  CHECK(shown("127.0.0.1:80") == "127.0.0.1 80");
  CHECK(shown("[::1]:65535") == "::1 65535");
  CHECK(shown("localhost:1") == "localhost 1");
}

TEST_CASE("address: refuses text other than host and port") {
  for (const char* text : {"", ":", ":80", "localhost", "localhost:", "localhost:0", "localhost:65536", "localhost:-1",
                           "localhost:80x", "::1:80", "[]:80"})
    CHECK(shown(text) == "refused");
  CHECK(shown(std::string_view("a\0b:80", 6)) == "refused");
}

TEST_CASE("address: finds numeric addresses, localhost and the names of hosts(5)") {
  constexpr const char* kHosts =
      "# comment\n10.0.0.7\tdb.internal db # the database\nnot-numeric db\n::7 db\n127.0.1.1 web\n";
  CHECK(addresses_of("1.2.3.4", kHosts) == List{"1.2.3.4"});
  CHECK(addresses_of("::1", kHosts) == List{"::1"});
  CHECK(addresses_of("LOCALHOST", kHosts) == List{"127.0.0.1", "::1"});
  CHECK(addresses_of("DB", kHosts) == List{"10.0.0.7", "::7"});
  CHECK(addresses_of("web", kHosts) == List{"127.0.1.1"});
  CHECK(addresses_of("database", kHosts).error().message == "the guest agent cannot resolve 'database'");
}
