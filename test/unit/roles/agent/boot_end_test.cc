#include "roles/agent/boot_end.h"

#include <sys/stat.h>

#include "roles/agent/harness.h"

using namespace banger;
using namespace banger::roles::agent;

namespace {

/// A systemctl that notes its arguments and fails, as the real one does where a unit has failed.
void put_systemctl(const test::TempDir& dir) {
  dir.put("systemctl", "#!/bin/sh\necho \"$@\" >>" + dir.path() + "/asked\nexit 1\n");
  ::chmod((dir / "systemctl").c_str(), 0755);
}

std::string asked(const test::TempDir& dir, InitKind init) {
  host::Runtime runtime;
  runtime.spawn(wait_for_boot_end(runtime, init, dir.path() + ":/usr/bin:/bin"));
  runtime.run();
  return host::read_file(dir / "asked", 4096).value_or("nothing");
}

}  // namespace

TEST_CASE("boot end: systemd is asked, whatever it answers, and no other init") {
  test::TempDir dir;
  put_systemctl(dir);
  for (auto init : {InitKind::none, InitKind::openrc, InitKind::runit, InitKind::busybox, InitKind::other})
    CHECK(asked(dir, init) == "nothing");
  CHECK(asked(dir, InitKind::systemd) == "is-system-running --wait\n");
}

TEST_CASE("boot end: a guest without systemctl is not waited for") {
  test::TempDir dir;
  CHECK(asked(dir, InitKind::systemd) == "nothing");
}

TEST_CASE("boot end: a quiesce waits for it") {
  test::Agent agent;
  put_systemctl(agent.run_dir);
  agent.run_dir.put("init", "systemd\n");
  agent.run([&](test::Agent& a) -> Task<> { CHECK(co_await a.call("POST", "/quiesce", "{}")); });
  CHECK(host::read_file(agent.run_dir / "asked", 4096).value_or("nothing") == "is-system-running --wait\n");
}
