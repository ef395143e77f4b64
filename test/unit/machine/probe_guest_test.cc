// The init of the KVM probe.
#include "machine/probe_guest.h"

#include <sys/stat.h>
#include <unistd.h>

#include "machine/support.h"
#include "machine/vmm_process.h"

using namespace banger;
using namespace banger::machine;
using namespace std::chrono_literals;

TEST_CASE("probe guest: the init is a well-formed program that Linux runs") {
  TempDir directory;
  auto path = directory.path() + "/init";
  REQUIRE(host::write_file(path, probe_init(), 0755));
  host::Runtime runtime;
  // An unprivileged user may not call reboot(2), so the init continues to its exit.
  REQUIRE(::chmod(directory.path().c_str(), 0755) == 0);
  host::SpawnSpec spec{.argv = {path}, .env = {}};
  if (::geteuid() == 0) {
    spec.uid = 65534;
    spec.gid = 65534;
  }
  auto output = run(runtime, host::run_command(runtime, spec, host::after(10s)));
  REQUIRE(output);
  CHECK(output->out == std::string(kProbeWords) + "\n");
  CHECK(output->status.shell_code() == 0);
}

TEST_CASE("probe guest: the VMM of a probe gets no new privileges") {
  host::Runtime runtime;
  auto script = std::string("grep -q 'NoNewPrivs:.1' /proc/self/status && echo ") + std::string(kProbeWords);
  auto probe = [&](std::function<void(host::SpawnSpec&)> confine) {
    return run(runtime, run_probe(runtime, {"/bin/sh", "-c", script}, 10s, std::move(confine)));
  };
  CHECK(!probe({}).usable);
  CHECK(probe(confine_vmm).usable);
}
