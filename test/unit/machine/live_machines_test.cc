// Real processes in real directories: what is taken for a machine, and what is not.
#include "machine/live_machines.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
#include "catch.h"
#include "host/files.h"

using namespace banger;
using namespace banger::machine;

namespace {

struct Bench {
  Bench() {
    char name[] = "/tmp/banger-machines-XXXXXX";
    state = ::mkdtemp(name);
    std::filesystem::create_directories(state + "/vms/abcdefghijkl/deeper");
  }
  ~Bench() { std::filesystem::remove_all(state); }
  std::string vms() const { return state + "/vms"; }
  std::string directory() const { return vms() + "/abcdefghijkl"; }

  // Something that waits, with these words on its command line.
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

  std::string state;
  std::vector<UniqueFd> held;  ///< what the processes wait for
};

const std::string kToken = "00112233445566778899aabbccddeeff";

}  // namespace

TEST_CASE("live machines: either VMM's command line in a VM's directory is one, whatever the program is called") {
  Bench bench;
  auto qemu = bench.start(bench.directory(), {"-name", "guest=banger-abcdefghijkl/" + kToken + ",debug-threads=off"});
  auto firecracker = bench.start(bench.directory(), {"--id", kToken, "--api-sock", "api.sock"});
  auto found = live_machines(bench.vms());
  REQUIRE(found.size() == 2);
  for (const auto& machine : found) {
    CHECK((machine.process.pid == qemu.pid() || machine.process.pid == firecracker.pid()));
    CHECK(machine.process == *host::process_id(machine.process.pid));
    CHECK(machine.vm_id == "abcdefghijkl");
    CHECK(machine.tokens == std::vector{kToken});
    CHECK(live_machine(machine.process.pid, bench.vms()) == machine);
  }
}

TEST_CASE("live machines: not without a token, not elsewhere, not when it has ended") {
  Bench bench;
  auto shell = bench.start(bench.directory(), {"console.log", kToken + "0", kToken.substr(1)});
  auto above = bench.start(bench.vms(), {kToken});
  auto below = bench.start(bench.directory() + "/deeper", {kToken});
  auto ended = bench.start(bench.directory(), {kToken});
  REQUIRE(ended.signal(SIGKILL));
  (void)ended.wait();
  CHECK(live_machines(bench.vms()).empty());
  CHECK(!live_machine(shell.pid(), bench.vms()));
}

TEST_CASE("live machines: one whose directory is gone is still that VM's, and a linked state directory is the same") {
  Bench bench;
  auto machine = bench.start(bench.directory(), {"--id", kToken});
  std::filesystem::remove_all(bench.directory());
  auto link = bench.state + "/link";
  REQUIRE(::symlink(bench.vms().c_str(), link.c_str()) == 0);
  auto found = live_machine(machine.pid(), link);
  REQUIRE(found);
  CHECK(found->vm_id == "abcdefghijkl");
}
