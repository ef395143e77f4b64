#include "roles/agent/channel.h"

#include "harness.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("channel: finds the port by its name") {
  test::TempDir sys;
  for (auto [port, name] : {std::pair{"vport0p1", "org.qemu.other\n"}, {"vport1p3", "banger.agent\n"}}) {
    std::filesystem::create_directories(sys / port);
    REQUIRE(host::write_file(sys / port + "/name", name));
  }
  CHECK(find_port("banger.agent", sys.path(), "/dev") == "/dev/vport1p3");
  auto missing = find_port("banger.console", sys.path(), "/dev");
  REQUIRE(!missing);
  CHECK(missing.error().message == "there is no virtio-serial port named 'banger.console'");
}

TEST_CASE("channel: a guest without virtio-serial has no port") { CHECK(!find_port("banger.agent", "/nonexistent", "/dev")); }
