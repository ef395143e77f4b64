#include "engine/kvm_device.h"

#include <sys/stat.h>

#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::engine;
using State = KvmDevice::State;

TEST_CASE("kvm device: a group that may open it is the way out") {
  auto device = closed_kvm(S_IFCHR | 0660, "kvm");
  CHECK(device.state == State::closed);
  CHECK(device.hint.find("usermod -aG kvm USER") != std::string::npos);
  CHECK(device.hint.find("chgrp") == std::string::npos);
}

TEST_CASE("kvm device: where only root may open it, the group comes first") {
  for (auto device :
       {closed_kvm(S_IFCHR | 0600, "root"), closed_kvm(S_IFCHR | 0600, "kvm"), closed_kvm(S_IFCHR | 0660, "root")}) {
    CHECK(device.state == State::closed);
    CHECK(device.hint.find("chgrp kvm /dev/kvm; chmod 660 /dev/kvm") != std::string::npos);
    CHECK(device.hint.find("udev") != std::string::npos);
  }
}

TEST_CASE("kvm device: an absent one and an open one") {
  test::TempDir directory;
  auto absent = find_kvm(directory / "kvm");
  CHECK(absent.state == State::absent);
  CHECK_FALSE(absent.hint.empty());
  REQUIRE(host::write_file(directory / "kvm", ""));
  CHECK(find_kvm(directory / "kvm").state == State::open);
}
