#include "machine/firecracker/version.h"

#include "catch.h"

using namespace banger::machine::firecracker;

TEST_CASE("firecracker version: found in what the program prints") {
  CHECK(find_version("Firecracker v1.13.1\n\nSupported snapshot data format versions: v7.0.0\n") == Version{1, 13, 1});
  CHECK(find_version("1.17.0-dev") == Version{1, 17, 0});
  CHECK(find_version("v10.0.0\n") == Version{10, 0, 0});
  CHECK(find_version("build 7 of v1.5.0") == Version{1, 5, 0});
  for (auto text : {"", "Firecracker", "v1.13", "1..2", "v99999999999.1.1", "x1.2.3"}) CHECK(!find_version(text));
  CHECK(to_string(Version{1, 5, 0}) == "1.5.0");
}

TEST_CASE("firecracker version: what differs is known by version") {
  CHECK(!has_network_overrides({1, 11, 0}));
  CHECK(has_network_overrides({1, 12, 0}));
  CHECK(restores_without_vsock({1, 16, 0}));
  CHECK(!restores_without_vsock({1, 16, 1}));
  CHECK(pauses_break_vsock({1, 16, 1}));
  CHECK(!pauses_break_vsock({1, 16, 2}));
}
