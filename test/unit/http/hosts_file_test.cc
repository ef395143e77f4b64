#include "http/hosts_file.h"

#include "catch.h"

using namespace banger::http;

namespace {

constexpr auto kFile =
    "# a comment\n"
    "127.0.0.1\tlocalhost\n"
    "  10.0.0.1  Registry.Example registry # registry.other\r\n"
    "10.0.0.1 registry\n"
    "fd00::1 registry\n"
    "nonsense registry\n"
    "10.0.0.9";

std::string found(std::string_view host) {
  std::string text;
  for (const auto& address : find_in_hosts(kFile, host)) text += to_string(address) + " ";
  return text;
}

}  // namespace

TEST_CASE("hosts file: all addresses of a name are found once, in order") {
  CHECK(found("registry") == "10.0.0.1 fd00::1 ");
  CHECK(found("registry.example") == "10.0.0.1 ");
  CHECK(found("registry.other") == "");
  CHECK(found("missing") == "");
  CHECK(find_in_hosts("", "x").empty());
}

TEST_CASE("hosts file: a name has a bounded number of addresses") {
  std::string many;
  for (int i = 1; i < 100; ++i) many += "10.0.0." + std::to_string(i) + " x\n";
  CHECK(find_in_hosts(many, "x").size() == 8);
}
