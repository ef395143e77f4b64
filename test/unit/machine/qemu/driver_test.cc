// The driver with real QEMU processes and guests of a few bytes.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/unix_socket.h"
#include "machine/qemu/qemu_machine.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  Fixture() : log(::open("/dev/null", O_WRONLY | O_CLOEXEC)), logger(log.get()) {
    facts = installed_qemu(runtime);
    if (facts) driver = make_driver(runtime, logger, *facts, "tcg");
  }
  ~Fixture() {
    if (auto left = find_process_by_token(token)) ::kill(left->pid, SIGKILL);
  }
  MachineConfig config(Ending ending) {
    auto kernel = directory.path() + "/kernel";
    REQUIRE(host::write_file(kernel, tiny_kernel("hello from the guest\r\n", ending)));
    return {.id = "test", .token = token, .directory = directory.path(), .memory_bytes = 64ull << 20, .kernel = kernel};
  }
  Result<std::unique_ptr<Machine>> start(const MachineConfig& what, const StartObserver& observer = {}) {
    return run(runtime, driver->start(what, observer));
  }
  Result<std::unique_ptr<Machine>> adopt(const MachineRecord& record) {
    return run(runtime, driver->adopt(record, Paused::resumes));
  }

  TempDir directory;
  std::string token = to_hex(host::random_bytes(16));
  UniqueFd log;
  Logger logger;
  host::Runtime runtime;
  std::optional<QemuFacts> facts;
  std::unique_ptr<Driver> driver;
};

std::string console_of(const Fixture& fixture) {
  return host::read_file(fixture.directory.path() + "/console.log", 1 << 20).value_or("");
}

}  // namespace

TEST_CASE("qemu driver: a guest runs, its console is kept, and its reset ends the machine") {
  Fixture fixture;
  if (!fixture.facts) return;
  std::optional<MachineRecord> told;
  auto observer = StartObserver{[&](const MachineRecord& record) {
    told = record;
    return Result<>();
  }};
  auto machine = fixture.start(fixture.config(Ending::reset), observer);
  REQUIRE(machine);
  REQUIRE(told);
  CHECK(told->process == (*machine)->record().process);
  CHECK(told->driver == "qemu");
  CHECK(told->accelerator == "tcg");
  auto exit = run(fixture.runtime, (*machine)->wait_exit());
  CHECK(exit.guest_initiated);
  CHECK(exit.reason == "guest-reset");
  CHECK(!(*machine)->running());
  CHECK(console_of(fixture).find("hello from the guest") != std::string::npos);
  struct stat info{};
  REQUIRE(::stat((fixture.directory.path() + "/console.log").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("qemu driver: a second start keeps the console of the first and needs no cleaning up") {
  Fixture fixture;
  if (!fixture.facts) return;
  for (int round = 0; round < 2; ++round) {
    auto machine = fixture.start(fixture.config(Ending::halt));
    REQUIRE(machine);
    REQUIRE(run(fixture.runtime, (*machine)->kill()));
  }
  auto machine = fixture.start(fixture.config(Ending::reset));
  REQUIRE(machine);
  (void)run(fixture.runtime, (*machine)->wait_exit());
  REQUIRE(host::write_file(fixture.directory.path() + "/seen", console_of(fixture)));
  auto again = fixture.start(fixture.config(Ending::reset));
  REQUIRE(again);
  (void)run(fixture.runtime, (*again)->wait_exit());
  CHECK(console_of(fixture).starts_with(*host::read_file(fixture.directory.path() + "/seen", 1 << 20)));
  CHECK(console_of(fixture).size() > host::read_file(fixture.directory.path() + "/seen", 1 << 20)->size());
}

TEST_CASE("qemu driver: kill ends a machine, and every waiter returns") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto machine = fixture.start(fixture.config(Ending::halt));
  REQUIRE(machine);
  std::optional<MachineExit> other;
  fixture.runtime.spawn([](Task<MachineExit> wait, std::optional<MachineExit>* into) -> Task<> {
    into->emplace(co_await std::move(wait));
  }((*machine)->wait_exit(), &other));
  REQUIRE(run(fixture.runtime, (*machine)->kill()));
  auto exit = run(fixture.runtime, (*machine)->wait_exit());
  CHECK(!exit.guest_initiated);
  CHECK(exit.reason == "killed by signal 9");
  fixture.runtime.io().restart();
  fixture.runtime.run();
  REQUIRE(other);
  CHECK(other->reason == "killed by signal 9");
  CHECK(!find_process_by_token(fixture.token));
  CHECK(run(fixture.runtime, (*machine)->kill()));
  CHECK(run(fixture.runtime, (*machine)->open_link()).error().code == ErrorCode::unavailable);
  CHECK(run(fixture.runtime, (*machine)->power_button()).error().code == ErrorCode::unavailable);
  CHECK(!(*machine)->stats());
}

TEST_CASE("qemu driver: its sockets and process are private, with a link to connect to") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto machine = fixture.start(fixture.config(Ending::halt));
  REQUIRE(machine);
  for (auto name : {"qmp.sock", "agent.sock"}) {
    struct stat info{};
    REQUIRE(::stat((fixture.directory.path() + "/" + name).c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
  CHECK(find_process_by_token(fixture.token) == (*machine)->record().process);
  CHECK(::getsid((*machine)->record().process.pid) == (*machine)->record().process.pid);
  CHECK(run(fixture.runtime, (*machine)->open_link()));
  auto stats = (*machine)->stats();
  REQUIRE(stats);
  CHECK(stats->resident_bytes > (1 << 20));
  CHECK(stats->cpu_time_us > 0);
  CHECK(run(fixture.runtime, (*machine)->power_button()));
  REQUIRE(run(fixture.runtime, (*machine)->kill()));
}

TEST_CASE("qemu driver: a machine outlives its object and is adopted with all it can do") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto machine = fixture.start(fixture.config(Ending::halt));
  REQUIRE(machine);
  auto record = record_from_json(to_json((*machine)->record()));
  REQUIRE(record);
  machine->reset();
  auto adopted = fixture.adopt(*record);
  REQUIRE(adopted);
  CHECK((*adopted)->running());
  CHECK(run(fixture.runtime, (*adopted)->power_button()));
  CHECK(run(fixture.runtime, (*adopted)->open_link()));
  REQUIRE(run(fixture.runtime, (*adopted)->kill()));
  CHECK(run(fixture.runtime, (*adopted)->wait_exit()).reason == "killed by signal 9");
  CHECK(fixture.adopt(*record).error().code == ErrorCode::not_found);
}

namespace {

// Each disk's group and limits, as QEMU itself has them. The machine has no other client of its control socket.
std::vector<std::string> limits_in(Fixture& fixture) {
  auto socket = connect_now(fixture.directory.path(), "qmp.sock");
  REQUIRE(socket);
  auto deadline = host::after(10s);
  auto qmp = run(fixture.runtime, Qmp::open(fixture.runtime, std::move(*socket), {}, deadline));
  REQUIRE(qmp);
  auto blocks = run(fixture.runtime, (*qmp)->execute("query-block", nullptr, deadline));
  REQUIRE(blocks);
  std::vector<std::string> all;
  for (const auto& block : *blocks) {
    const auto& disk = block["inserted"];
    all.push_back(fmt::format("{} {} {}", disk.value("group", ""), disk["iops"].get<int>(), disk["bps"].get<int>()));
  }
  return all;
}

}  // namespace

TEST_CASE("qemu driver: the disks share their limits from the start on, and limits of a running guest change") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto config = fixture.config(Ending::halt);
  for (std::string name : {"a", "b"}) {
    auto path = fixture.directory.path() + "/" + name;
    REQUIRE(host::make_sparse_file(path, 1 << 20));
    config.drives.push_back({.serial = name, .path = path, .read_only = name == "a"});
  }
  config.disk_limits = {.operations = 100, .bytes = 1 << 20};
  auto machine = fixture.start(config);
  REQUIRE(machine);
  auto record = (*machine)->record();
  auto is_now = [&](const std::string& expected) {
    machine->reset();
    CHECK(limits_in(fixture) == std::vector<std::string>(2, expected));
    machine = fixture.adopt(record);
    REQUIRE(machine);
  };
  is_now("disks 100 1048576");
  REQUIRE(run(fixture.runtime, (*machine)->limit_disks({.operations = 50})));
  is_now("disks 50 0");
  REQUIRE(run(fixture.runtime, (*machine)->limit_disks({})));
  is_now(" 0 0");
  CHECK(!run(fixture.runtime, (*machine)->limit_disks({.bytes = UINT64_MAX / 2})));  // QEMU refuses it
  REQUIRE(run(fixture.runtime, (*machine)->kill()));
  CHECK(run(fixture.runtime, (*machine)->limit_disks({})).error().code == ErrorCode::unavailable);
}

TEST_CASE("qemu driver: a machine left waiting by a daemon that died while starting it runs once it is adopted") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto config = fixture.config(Ending::reset);
  auto qmp = host::listen_unix(fixture.directory.path() + "/qmp.sock");
  auto link = host::listen_unix(fixture.directory.path() + "/agent.sock");
  REQUIRE(qmp);
  REQUIRE(link);
  auto child = host::spawn({.argv = command_line(*fixture.facts, "tcg", config, 1),
                            .env = {},
                            .cwd = fixture.directory.path(),
                            .extra_fds = {{qmp->get(), kQmpFd}, {link->get(), kLinkFd}}});
  REQUIRE(child);
  // The greeting shows that QEMU is up. Then the daemon that waited for it is gone.
  auto control = host::connect_unix(fixture.directory.path() + "/qmp.sock");
  REQUIRE(control);
  char byte;
  REQUIRE(::read(control->get(), &byte, 1) == 1);
  control->reset();
  auto id = find_process_by_token(fixture.token);
  REQUIRE(id);
  CHECK(id->pid == child->pid());
  child->release();
  auto adopted = fixture.adopt({.driver = "qemu",
                                .accelerator = "tcg",
                                .version = "1",
                                .process = *id,
                                .token = fixture.token,
                                .directory = fixture.directory.path()});
  // The guest ends itself as soon as it runs, perhaps before the adoption is complete.
  if (!adopted) {
    CHECK(adopted.error().code == ErrorCode::not_found);
    return;
  }
  auto exit = run(fixture.runtime, (*adopted)->wait_exit());
  CHECK(exit.guest_initiated);
  CHECK(exit.reason == "guest-reset");
}

TEST_CASE("qemu driver: a machine whose control socket is gone is still adopted, without its power button") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto machine = fixture.start(fixture.config(Ending::halt));
  REQUIRE(machine);
  auto record = (*machine)->record();
  machine->reset();
  REQUIRE(host::remove_file(fixture.directory.path() + "/qmp.sock"));
  auto adopted = fixture.adopt(record);
  REQUIRE(adopted);
  auto pressed = run(fixture.runtime, (*adopted)->power_button());
  REQUIRE(!pressed);
  CHECK(pressed.error().message.find("power button") != std::string::npos);
  REQUIRE(run(fixture.runtime, (*adopted)->kill()));
}

TEST_CASE("qemu driver: QEMU's own words are in the error when it ends at once") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto config = fixture.config(Ending::halt);
  config.drives = {{.serial = "x", .path = fixture.directory.path() + "/no-such-disk"}};
  auto machine = fixture.start(config);
  REQUIRE(!machine);
  CHECK(machine.error().code == ErrorCode::unavailable);
  CHECK(machine.error().message.find("exit code 1") != std::string::npos);
  CHECK(machine.error().message.find("no-such-disk") != std::string::npos);
  CHECK(!find_process_by_token(fixture.token));
  CHECK(!std::filesystem::exists(fixture.directory.path() + "/qmp.sock"));
}

TEST_CASE("qemu driver: a missing initrd or directory is named before anything runs") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto config = fixture.config(Ending::halt);
  config.initrds = {"/nonexistent/agent.cpio"};
  CHECK(fixture.start(config).error().message.find("/nonexistent/agent.cpio") != std::string::npos);
  config = fixture.config(Ending::halt);
  config.directory = "/nonexistent/vm";
  CHECK(fixture.start(config).error().message.find("/nonexistent/vm") != std::string::npos);
}

TEST_CASE("qemu driver: an observer that fails leaves nothing running") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto machine =
      fixture.start(fixture.config(Ending::halt),
                    {[](const MachineRecord&) { return Result<>(fail(ErrorCode::exhausted, "journal is full")); }});
  REQUIRE(!machine);
  CHECK(machine.error().message.find("journal is full") != std::string::npos);
  CHECK(!find_process_by_token(fixture.token));
}

TEST_CASE("qemu driver: a program that is not QEMU is killed, and its output is in the error") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto program = fixture.directory.path() + "/not-qemu";
  REQUIRE(host::write_file(program, "#!/bin/sh\necho 'cannot find libfoo.so' >&2\nexit 127\n", 0755));
  fixture.facts->binary = program;
  fixture.facts->landlock = false;  // as the probe would find out: the cage lets no script start its shell
  fixture.driver = make_driver(fixture.runtime, fixture.logger, *fixture.facts, "tcg");
  auto machine = fixture.start(fixture.config(Ending::halt));
  REQUIRE(!machine);
  CHECK(machine.error().message == "start QEMU: it ended at once (exit code 127): cannot find libfoo.so");
}

TEST_CASE("qemu driver: works in a directory too deep for a socket address") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto config = fixture.config(Ending::halt);
  config.directory = fixture.directory.path() + "/" + std::string(120, 'd');
  REQUIRE(host::make_private_directory(config.directory));
  auto machine = fixture.start(config);
  REQUIRE(machine);
  CHECK(run(fixture.runtime, (*machine)->open_link()));
  auto record = (*machine)->record();
  machine->reset();
  auto adopted = fixture.adopt(record);
  REQUIRE(adopted);
  CHECK(run(fixture.runtime, (*adopted)->power_button()));
  REQUIRE(run(fixture.runtime, (*adopted)->kill()));
}

TEST_CASE("qemu driver: every option of a full machine is one this QEMU takes, sandbox included") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto config = fixture.config(Ending::halt);
  config.vcpus = 2;
  REQUIRE(host::make_sparse_file(fixture.directory.path() + "/root,fs.ext4", 1 << 20));
  REQUIRE(host::make_sparse_file(fixture.directory.path() + "/system.img", 1 << 20));
  REQUIRE(host::write_file(fixture.directory.path() + "/a.cpio", std::string(512, '\0')));
  config.drives = {{.serial = "rootfs", .path = fixture.directory.path() + "/root,fs.ext4", .read_only = true},
                   {.serial = "system", .path = fixture.directory.path() + "/system.img"}};
  config.nics = {{.mac = "52:54:00:12:34:56"}, {.mac = "52:54:00:12:34:57", .restrict_outside = true}};
  config.initrds = {fixture.directory.path() + "/a.cpio", fixture.directory.path() + "/a.cpio"};
  auto machine = fixture.start(config);
  if (!machine) FAIL(machine.error().sentence());
  CHECK((*machine)->running());
  auto counted = run(fixture.runtime, (*machine)->metrics());
  REQUIRE(counted);
  for (auto name : {"disk_read_bytes", "disk_written_bytes", "disk_reads", "disk_writes", "disk_flushes"})
    CHECK(counted->figures.contains(name));
  REQUIRE(run(fixture.runtime, (*machine)->kill()));
}

TEST_CASE("connect: a stopped QEMU makes connecting an error, not a hang") {
  Fixture fixture;
  if (!fixture.facts) return;
  auto machine = fixture.start(fixture.config(Ending::halt));
  REQUIRE(machine);
  REQUIRE(::kill((*machine)->record().process.pid, SIGSTOP) == 0);
  std::optional<Error> error;
  std::vector<UniqueFd> links;
  for (int i = 0; i < 100 && !error; ++i) {
    auto link = connect_now(fixture.directory.path(), kLinkSocket);
    if (link)
      links.push_back(std::move(*link));
    else
      error = link.error();
  }
  REQUIRE(error);
  CHECK(error->code == ErrorCode::busy);
  REQUIRE(run(fixture.runtime, (*machine)->kill()));
}
