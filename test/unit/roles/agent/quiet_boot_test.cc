// Signs of the end of a boot under OpenRC and runit.
#include "roles/agent/quiet_boot.h"

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;

TEST_CASE("quiet boot: OpenRC has booted when its last runlevel has started") {
  test::TempDir root;
  auto booted = [&] { return has_booted(InitKind::openrc, root.path()); };
  CHECK_FALSE(booted());
  for (const char* level : {"", "sysinit", "boot"}) {
    root.put("run/openrc/softlevel", level);
    CHECK_FALSE(booted());
  }
  root.put("run/openrc/softlevel", "default\n");
  CHECK(booted());
  for (const char* change : {"run/openrc/rc.starting", "run/openrc/rc.stopping"}) {
    std::filesystem::create_directory(root / change);
    CHECK_FALSE(booted());
    std::filesystem::remove(root / change);
  }
  CHECK(booted());
}

TEST_CASE("quiet boot: runit has booted when it supervises services") {
  test::TempDir root;
  auto booted = [&] { return has_booted(InitKind::runit, root.path()); };
  root.put("proc/1/comm", "runit\n");
  root.put("proc/self/comm", "runsvdir\n");
  CHECK_FALSE(booted());
  root.put("proc/77/comm", "runsvdir\n");
  CHECK(booted());
}

TEST_CASE("quiet boot: other inits are booted when they begin") {
  CHECK(is_quiet(InitKind::openrc));
  CHECK(is_quiet(InitKind::runit));
  for (auto init : {InitKind::busybox, InitKind::other, InitKind::none, InitKind::systemd}) CHECK_FALSE(is_quiet(init));
}
