#include "guest/units.h"

#include "catch.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::guest;
using Action = guestcfg::Unit::Action;

namespace {
constexpr const char* kRun = "/run/systemd/system";
}

TEST_CASE("units: the [Install] section names the units that want it") {
  CHECK(install_directories("[Unit]\nWantedBy=no.target\n[Install]\nWantedBy = multi-user.target  "
                            "a.target\nRequiredBy=b.target\nAlias=x.service\n") ==
        std::vector<std::string>{"multi-user.target.wants", "a.target.wants", "b.target.requires"});
  CHECK(install_directories("").empty());
  CHECK(install_directories("[Install]\nWantedBy=../../evil\n").empty());
}

TEST_CASE("units: masking links to /dev/null, enabling to the unit file, each once") {
  test::TempDir directory;
  directory.put("usr/lib/systemd/system/ssh.service", "[Install]\nWantedBy=multi-user.target\n");
  directory.put("usr/lib/systemd/system/plain.service", "[Service]\n");
  directory.put("usr/lib/systemd/system/getty@.service", "[Install]\nWantedBy=getty.target\n");
  auto root = Root::open(directory.path());
  auto apply = [&](const char* name, Action action) { return apply_unit(*root, *root, kRun, {name, action}); };

  CHECK(apply("x.service", Action::mask).value());
  CHECK_FALSE(apply("x.service", Action::mask).value());
  CHECK(root->link_target("/run/systemd/system/x.service") == "/dev/null");

  CHECK(apply("ssh.service", Action::enable).value());
  CHECK_FALSE(apply("ssh.service", Action::enable).value());
  CHECK(root->link_target("/run/systemd/system/multi-user.target.wants/ssh.service") ==
        "/usr/lib/systemd/system/ssh.service");
  CHECK(apply("plain.service", Action::enable).value());
  CHECK(root->link_target("/run/systemd/system/multi-user.target.wants/plain.service") ==
        "/usr/lib/systemd/system/plain.service");
  CHECK(apply("getty@tty5.service", Action::enable).value());
  CHECK(root->link_target("/run/systemd/system/getty.target.wants/getty@tty5.service") ==
        "/usr/lib/systemd/system/getty@.service");

  auto missing = apply("nope.service", Action::enable);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
}
