// Real processes in real directories: which of them are recognised as machines.
#include "machine/live_machines.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "catch.h"
#include "host/files.h"
#include "support/temp_dir.h"

using namespace banger;
using namespace banger::machine;

namespace {

struct Fixture {
  Fixture() { std::filesystem::create_directories(state + "/vms/abcdefghijkl/deeper"); }
  std::string vms() const { return state + "/vms"; }
  std::string directory() const { return vms() + "/abcdefghijkl"; }

  // A process that waits, with these words on its command line.
  host::Child start(const std::string& directory, std::vector<std::string> words) {
    std::vector<std::string> argv = {"sh", "-c", "read wait"};
    argv.insert(argv.end(), words.begin(), words.end());
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    UniqueFd in(fds[0]), out(fds[1]);
    auto child = host::spawn({.argv = argv, .env = {"PATH=/usr/bin:/bin"}, .cwd = directory, .stdin_fd = in.get()});
    REQUIRE(child);
    held.push_back(std::move(out));
    return std::move(*child);
  }

  test::TempDir temporary;
  std::string state = temporary.path();
  std::vector<UniqueFd> held;  ///< what the processes wait for
};

const std::string kToken = "00112233445566778899aabbccddeeff";

}  // namespace

TEST_CASE("live machines: either VMM's command line in a VM's directory is one, under any program name") {
  Fixture fixture;
  auto qemu =
      fixture.start(fixture.directory(), {"-name", "guest=banger-abcdefghijkl/" + kToken + ",debug-threads=off"});
  auto firecracker = fixture.start(fixture.directory(), {"--id", kToken, "--api-sock", "api.sock"});
  auto found = live_machines(fixture.vms());
  REQUIRE(found.size() == 2);
  for (const auto& machine : found) {
    CHECK((machine.process.pid == qemu.pid() || machine.process.pid == firecracker.pid()));
    CHECK(machine.process == *host::process_id(machine.process.pid));
    CHECK(machine.vm_id == "abcdefghijkl");
    CHECK(machine.tokens == std::vector{kToken});
    CHECK(live_machine(machine.process.pid, fixture.vms()) == machine);
  }
}

TEST_CASE("live machines: not without a token, not elsewhere, not when it has ended") {
  Fixture fixture;
  auto shell = fixture.start(fixture.directory(), {"console.log", kToken + "0", kToken.substr(1)});
  auto above = fixture.start(fixture.vms(), {kToken});
  auto below = fixture.start(fixture.directory() + "/deeper", {kToken});
  auto ended = fixture.start(fixture.directory(), {kToken});
  REQUIRE(ended.signal(SIGKILL));
  (void)ended.wait();
  CHECK(live_machines(fixture.vms()).empty());
  CHECK(!live_machine(shell.pid(), fixture.vms()));
}

TEST_CASE("live machines: one whose directory is gone is still that VM's, and a linked state directory is the same") {
  Fixture fixture;
  auto machine = fixture.start(fixture.directory(), {"--id", kToken});
  std::filesystem::remove_all(fixture.directory());
  auto link = fixture.state + "/link";
  REQUIRE(::symlink(fixture.vms().c_str(), link.c_str()) == 0);
  auto found = live_machine(machine.pid(), link);
  REQUIRE(found);
  CHECK(found->vm_id == "abcdefghijkl");
}
