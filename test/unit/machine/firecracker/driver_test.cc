// The driver with processes of the stand-in, which enforces Firecracker's rules and runs no guest.
#include <sys/socket.h>
#include <sys/wait.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/unix_socket.h"
#include "machine/console.h"
#include "machine/firecracker/api.h"
#include "machine/firecracker/requests.h"
#include "machine/firecracker/vsock.h"
#include "stand_in.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::firecracker;
using namespace std::chrono_literals;

TEST_CASE("firecracker driver: a guest runs, its console is kept, and its reset ends the machine") {
  Fixture fixture;
  auto config = fixture.config();
  std::optional<MachineRecord> told;
  auto machine = fixture.start(config, {[&](const MachineRecord& record) {
                                 told = record;
                                 return Result<>();
                               }});
  REQUIRE(machine);
  REQUIRE(told);
  CHECK(told->process == (*machine)->record().process);
  CHECK(told->driver == "firecracker");
  CHECK(told->accelerator == "kvm");
  CHECK(told->version == "1.16.2");
  CHECK(find_process_by_token(config.token) == told->process);
  CHECK(::getsid(told->process.pid) == told->process.pid);
  CHECK((*machine)->stats());
  CHECK(!(*machine)->powers_off());
  REQUIRE(run(fixture.runtime, (*machine)->power_button()));
  auto exit = run(fixture.runtime, (*machine)->wait_exit());
  CHECK(exit.guest_initiated);
  CHECK(exit.reason == "guest-reset");
  CHECK(!(*machine)->running());
  CHECK(text_of(config.directory + "/console.log").find("fake guest: console=ttyS0") != std::string::npos);
  struct stat info{};
  REQUIRE(::stat((config.directory + "/console.log").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("firecracker driver: a second start keeps the console of the first and is not stopped by its sockets") {
  Fixture fixture;
  auto config = fixture.config();
  for (int round = 0; round < 2; ++round) {
    auto machine = fixture.start(config);
    REQUIRE(machine);
    // Killed from outside, so that no code cleans up.
    REQUIRE(::kill((*machine)->record().process.pid, SIGKILL) == 0);
    auto exit = run(fixture.runtime, (*machine)->wait_exit());
    CHECK(exit.reason == "killed by signal 9");
    CHECK(!exit.guest_initiated);
    CHECK(std::filesystem::exists(config.directory + "/api.sock"));
  }
  auto console = text_of(config.directory + "/console.log");
  CHECK(console.find("fake guest") != console.rfind("fake guest"));
}

TEST_CASE("firecracker driver: the error of an end explains the exit code") {
  Fixture fixture({"BANGER_FAKE_EXIT=148"});
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  auto exit = run(fixture.runtime, (*machine)->wait_exit());
  CHECK(!exit.guest_initiated);
  CHECK(exit.reason.starts_with("exit code 148 (a system call that its seccomp filter forbids): "));
  CHECK(run(fixture.runtime, (*machine)->power_button()).error().code == ErrorCode::unavailable);
  CHECK(run(fixture.runtime, (*machine)->open_link()).error().code == ErrorCode::unavailable);
}

TEST_CASE("firecracker driver: the reason of an end is the first error in the log, not its last consequence") {
  Fixture fixture({"BANGER_FAKE_EXIT=1", "BANGER_FAKE_ERROR='Received KVM_EXIT_INTERNAL_ERROR signal'"});
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  CHECK(run(fixture.runtime, (*machine)->wait_exit()).reason == "exit code 1: Received KVM_EXIT_INTERNAL_ERROR signal");
}

TEST_CASE("firecracker driver: a halted guest is ended as shut down, and its last words do not end the next start") {
  Fixture fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  {
    auto console = host::open_file(config.directory + "/console.log", O_WRONLY | O_APPEND);
    REQUIRE(console);
    REQUIRE(host::write_all(console->get(), "[    9.1] reboot: System halted\r\n"));
  }
  CHECK(has_halted((*machine)->record()));
  REQUIRE(run(fixture.runtime, (*machine)->end_as({.guest_initiated = true, .reason = "guest-shutdown"})));
  auto exit = run(fixture.runtime, (*machine)->wait_exit());
  CHECK(exit.guest_initiated);
  CHECK(exit.reason == "guest-shutdown");
  auto again = fixture.start(config);
  REQUIRE(again);
  CHECK(!has_halted((*again)->record()));
  auto record = record_from_json(to_json((*again)->record()));
  REQUIRE(record);
  CHECK(!has_halted(*record));
  REQUIRE(run(fixture.runtime, (*again)->kill()));
}

TEST_CASE("firecracker driver: kill ends a machine and takes its sockets along") {
  Fixture fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  REQUIRE(run(fixture.runtime, (*machine)->kill()));
  CHECK(!find_process_by_token(config.token));
  CHECK(!std::filesystem::exists(config.directory + "/api.sock"));
  CHECK(!std::filesystem::exists(config.directory + "/vsock.sock"));
  CHECK(run(fixture.runtime, (*machine)->wait_exit()).reason == "killed by signal 9");
  CHECK(run(fixture.runtime, (*machine)->kill()));
}

TEST_CASE("firecracker driver: the link is a vsock connection, any number of them in turn") {
  Fixture fixture;
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  for (int round = 0; round < 3; ++round) {
    auto link = run(fixture.runtime, (*machine)->open_link());
    REQUIRE(link);
    CHECK(echoes(link->get()));
  }
}

TEST_CASE("firecracker driver: a guest that does not listen yet is asked again, then the caller") {
  Fixture fixture({"BANGER_FAKE_LISTENS=1"});
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  auto link = run(fixture.runtime, (*machine)->open_link());
  REQUIRE(!link);
  CHECK(link.error().code == ErrorCode::timeout);
  CHECK(link.error().message == "link: the guest does not listen on this port");
}

TEST_CASE("firecracker driver: a start that fails says why, in Firecracker's words, and leaves nothing behind") {
  Fixture fixture;
  auto config = fixture.config();
  config.drives[1].path = "/nonexistent/system.img";
  auto machine = fixture.start(config);
  REQUIRE(!machine);
  CHECK(machine.error().message.starts_with("start Firecracker: PUT /drives/disk1: Unable to create the block device"));
  CHECK(!find_process_by_token(config.token));
  CHECK(!std::filesystem::exists(config.directory + "/api.sock"));

  auto refused = fixture.config("other");
  refused.nics = {{.mac = "02:00:00:00:00:01"}};
  CHECK(fixture.start(refused).error().code == ErrorCode::unsupported);
  auto unwilling = fixture.start(
      fixture.config("third"), {[](const MachineRecord&) { return Result<>(fail(ErrorCode::exhausted, "no room")); }});
  REQUIRE(!unwilling);
  CHECK(unwilling.error().message == "start Firecracker: no room");
  CHECK(!find_process_by_token(fixture.tokens.back()));
}

TEST_CASE("firecracker driver: a paused machine is saved, and others go on from it in directories of their own") {
  for (auto version : {"1.5.0", "1.13.1", "1.16.2"}) {
    INFO(version);
    Fixture fixture({std::string("BANGER_FAKE_VERSION=") + version});
    auto machine = fixture.start(fixture.config());
    REQUIRE(machine);
    REQUIRE(run(fixture.runtime, (*machine)->pause()));
    REQUIRE(run(fixture.runtime, (*machine)->pause()));
    REQUIRE(run(fixture.runtime, (*machine)->prepare_save(fixture.saved())));
    REQUIRE(run(fixture.runtime, (*machine)->save(fixture.saved())));
    struct stat info{};
    REQUIRE(::stat(fixture.saved().memory.c_str(), &info) == 0);
    CHECK(info.st_size == 64 << 20);
    CHECK((info.st_mode & 0777) == 0600);
    CHECK(host::disk_usage(fixture.saved().memory) <= 512 * 1024);  // pages the guest never had take no room

    for (auto name : {"clone-a", "clone-b"}) {
      auto config = fixture.config(name);
      config.restore = fixture.saved();
      auto clone = fixture.start(config);
      REQUIRE(clone);
      CHECK((*clone)->record().memory_file == fixture.saved().memory);
      auto link = run(fixture.runtime, (*clone)->open_link());
      REQUIRE(link);
      CHECK(echoes(link->get()));
      // Each machine has its own drives behind the saved names.
      CHECK(std::filesystem::read_symlink(config.directory + "/disk1") == config.directory + "/system.img");
    }
  }
}

TEST_CASE("firecracker driver: a saved state that does not load is an error that names the reason") {
  Fixture fixture;
  REQUIRE(host::write_file(fixture.saved().devices, "not a state"));
  REQUIRE(host::write_file(fixture.saved().memory, "short"));
  auto config = fixture.config();
  config.restore = fixture.saved();
  auto machine = fixture.start(config);
  REQUIRE(!machine);
  CHECK(machine.error().message.starts_with(
      "start Firecracker: load the saved state: PUT /snapshot/load: Load snapshot error"));
  CHECK(machine.error().message.find("it ended (exit code 1)") != std::string::npos);
  CHECK(!find_process_by_token(config.token));
}

TEST_CASE("firecracker driver: a machine that goes on after it was saved gets a new link") {
  Fixture fixture({"BANGER_FAKE_VERSION=1.16.1"});
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  auto link = run(fixture.runtime, (*machine)->open_link());
  REQUIRE(link);
  REQUIRE(echoes(link->get()));
  REQUIRE(run(fixture.runtime, (*machine)->pause()));
  REQUIRE(run(fixture.runtime, (*machine)->save(fixture.saved())));
  REQUIRE(run(fixture.runtime, (*machine)->resume()));
  // The save reset the guest's end. The host's end would wait for ever if the driver did not end it.
  char byte;
  CHECK(::read(link->get(), &byte, 1) == 0);
  auto again = run(fixture.runtime, (*machine)->open_link());
  REQUIRE(again);
  CHECK(echoes(again->get()));
}

TEST_CASE("firecracker driver: a version whose restored guests cannot be reached saves none") {
  Fixture fixture({"BANGER_FAKE_VERSION=1.16.0"});
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  CHECK(run(fixture.runtime, (*machine)->prepare_save(fixture.saved())).error().code == ErrorCode::unsupported);
  REQUIRE(run(fixture.runtime, (*machine)->pause()));
  auto saved = run(fixture.runtime, (*machine)->save(fixture.saved()));
  REQUIRE(!saved);
  CHECK(saved.error().code == ErrorCode::unsupported);
  CHECK(saved.error().hint.find("1.16.1") != std::string::npos);
}

TEST_CASE("firecracker driver: what it counts is summed up from start to end, over clones and takeovers") {
  for (auto version : {"1.5.0", "1.14.0", "1.17.0"}) {
    INFO(version);
    Fixture fixture({std::string("BANGER_FAKE_VERSION=") + version});
    auto config = fixture.config();
    config.metrics = true;
    auto machine = fixture.start(config);
    REQUIRE(machine);
    for (std::uint64_t round = 1; round <= 3; ++round) {
      auto counted = run(fixture.runtime, (*machine)->metrics());
      REQUIRE(counted);
      CHECK(counted->figures["disk_read_bytes"] == round * 2048);
      CHECK(counted->figures["vcpu_mmio_exits"] == round * 7);
      CHECK(counted->figures["balloon_reports"] == (version == std::string("1.5.0") ? 0 : round * 3));
    }
    auto adopted = run(fixture.runtime, fixture.driver->adopt((*machine)->record(), Paused::resumes));
    REQUIRE(adopted);
    CHECK(run(fixture.runtime, (*adopted)->metrics())->figures["disk_read_bytes"] == 4 * 2048);

    REQUIRE(run(fixture.runtime, (*machine)->pause()));
    REQUIRE(run(fixture.runtime, (*machine)->save(fixture.saved())));
    CHECK(run(fixture.runtime, (*machine)->metrics())->figures["save_us"] == 900);
    auto clone = fixture.config("clone");
    clone.metrics = true;
    clone.restore = fixture.saved();
    auto started = fixture.start(clone);
    REQUIRE(started);
    CHECK(run(fixture.runtime, (*started)->metrics())->figures["disk_read_bytes"] == 2048);
  }
}

TEST_CASE("firecracker driver: a machine without metrics says so") {
  Fixture fixture;
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  CHECK(run(fixture.runtime, (*machine)->metrics()).error().code == ErrorCode::unsupported);
}

TEST_CASE("firecracker driver: a guest that powered itself off is ended, one that only prints so is not") {
  Fixture fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  auto say = [&](std::string_view text) {
    auto console = host::open_file(config.directory + "/console.log", O_WRONLY | O_APPEND);
    REQUIRE(console);
    REQUIRE(host::write_all(console->get(), text));
  };
  say("[    9.1] reboot: System halted\r\n");
  REQUIRE(run(fixture.runtime, (*machine)->open_link()));
  REQUIRE(run(fixture.runtime, (*machine)->pause()));  // its processors stand still
  say("not the last word\r\n");
  CHECK(run(fixture.runtime, (*machine)->open_link()).error().code == ErrorCode::timeout);
  CHECK((*machine)->running());
  say("[    9.2] reboot: System halted\r\n");
  CHECK(run(fixture.runtime, (*machine)->open_link()).error().code == ErrorCode::unavailable);
  auto exit = run(fixture.runtime, (*machine)->wait_exit());
  CHECK(exit.guest_initiated);
  CHECK(exit.reason == "guest-shutdown");
}

TEST_CASE(
    "firecracker driver: what could not go on with another network device is not saved; what can, goes on with its "
    "own") {
  for (auto version : {"1.11.0", "1.12.0"}) {
    INFO(version);
    Fixture fixture({std::string("BANGER_FAKE_VERSION=") + version});
    auto config = fixture.config();
    config.taps = {
        {.mac = "02:00:00:00:00:01", .device = "lo"}};  // all that the stand-in asks of one is that it is there
    auto machine = fixture.start(config);
    REQUIRE(machine);
    REQUIRE(run(fixture.runtime, (*machine)->pause()));
    auto saved = run(fixture.runtime, (*machine)->save(fixture.saved()));
    bool able = version == std::string("1.12.0");
    REQUIRE(saved.has_value() == able);
    if (!able) {
      CHECK(saved.error().code == ErrorCode::unsupported);
      CHECK(saved.error().hint.find("1.12") != std::string::npos);
      CHECK(!std::filesystem::exists(fixture.saved().devices));
      continue;
    }
    auto clone = fixture.config("clone");
    clone.restore = fixture.saved();
    clone.taps = {{.mac = "02:00:00:00:00:02", .device = "nonexistent0"}};
    CHECK(fixture.start(clone).error().message.find("nonexistent0") != std::string::npos);
    auto other = fixture.config("other");
    other.restore = fixture.saved();
    other.taps = {{.mac = "02:00:00:00:00:02", .device = "lo"}};
    CHECK(fixture.start(other));
  }
}

TEST_CASE("firecracker driver: a drive grows under a running guest") {
  Fixture fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  REQUIRE(run(fixture.runtime, (*machine)->resize_drive(1, 4 << 20)));
  CHECK(std::filesystem::file_size(config.directory + "/system.img") == 4 << 20);
  REQUIRE(run(fixture.runtime, (*machine)->resize_drive(1, 2 << 20)));  // it never shrinks
  CHECK(std::filesystem::file_size(config.directory + "/system.img") == 4 << 20);
  CHECK(!run(fixture.runtime, (*machine)->resize_drive(7, 4 << 20)));
}

TEST_CASE("firecracker driver: the process gets no new privileges, and leaves no core file with its guest's memory") {
  Fixture fixture;
  auto machine = fixture.start(fixture.config());
  REQUIRE(machine);
  auto process = "/proc/" + std::to_string((*machine)->record().process.pid);
  auto status = host::read_file(process + "/status", 1 << 20).value_or("");
  CHECK(status.find("NoNewPrivs:\t1\n") != status.npos);
  auto most = host::read_file(process + "/limits", 1 << 20).value_or("");
  CHECK(most.find("Max core file size        0                    0 ") != most.npos);
}

TEST_CASE("firecracker driver: limits of the disks change under a running guest, and a restored one has its own") {
  Fixture fixture;
  auto config = fixture.config();
  config.disk_limits = {.operations = 100, .bytes = 1 << 20};
  // As a start of this VM with more drives has left it.
  REQUIRE(::symlink("/dev/null", (config.directory + "/" + drive_name(config.drives.size())).c_str()) == 0);
  auto machine = fixture.start(config);
  REQUIRE(machine);
  REQUIRE(run(fixture.runtime, (*machine)->limit_disks({.operations = 50})));
  REQUIRE(run(fixture.runtime, (*machine)->pause()));
  REQUIRE(run(fixture.runtime, (*machine)->save(fixture.saved())));
  auto clone = fixture.config("clone");
  clone.restore = fixture.saved();
  clone.restore->disk_limits = {.operations = 50};
  auto restored = fixture.start(clone);
  REQUIRE(restored);
  REQUIRE(run(fixture.runtime, (*restored)->kill()));
  CHECK(run(fixture.runtime, (*restored)->limit_disks({})).error().code == ErrorCode::unavailable);
}

TEST_CASE("firecracker driver: a live machine is adopted, a paused one is resumed, an ended one is not found") {
  Fixture fixture;
  auto config = fixture.config();
  std::optional<MachineRecord> record;
  {
    auto machine = fixture.start(config);
    REQUIRE(machine);
    REQUIRE(run(fixture.runtime, (*machine)->pause()));
    record = (*machine)->record();
  }
  auto adopted = run(fixture.runtime, fixture.driver->adopt(*record, Paused::resumes));
  REQUIRE(adopted);
  ApiRequest question{"GET", "/", ""};
  auto state =
      run(fixture.runtime, call(fixture.runtime, config.directory, kApiSocket, std::move(question), host::after(10s)));
  REQUIRE(state);
  CHECK(Json::parse(*state)["state"] == "Running");
  REQUIRE(run(fixture.runtime, (*adopted)->power_button()));
  CHECK(run(fixture.runtime, (*adopted)->wait_exit()).reason == "guest-reset");
  CHECK(run(fixture.runtime, fixture.driver->adopt(*record, Paused::resumes)).error().code == ErrorCode::not_found);
}

TEST_CASE("firecracker driver: a process whose guest was never started is not adopted but ended") {
  Fixture fixture;
  auto config = fixture.config();
  // A child of a process that ends at once has no parent any more, like the machines of an earlier daemon.
  auto argv = command_line(fixture.binary, config);
  pid_t middle = ::fork();
  if (middle == 0) {
    if (::fork() != 0) ::_exit(0);
    if (::chdir(config.directory.c_str()) < 0) ::_exit(1);
    std::vector<char*> words;
    for (auto& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    ::execv(words[0], words.data());
    ::_exit(1);
  }
  ::waitpid(middle, nullptr, 0);
  std::optional<host::ProcessId> process;
  for (int i = 0; i < 1000 && !process; ++i, ::usleep(20'000))
    if (::access((config.directory + "/api.sock").c_str(), F_OK) == 0) process = find_process_by_token(config.token);
  REQUIRE(process);
  auto record = fixture.driver->planned(config);
  record.process = *process;

  // Its guest was never started, because the daemon was interrupted. Nothing in it can continue.
  CHECK(run(fixture.runtime, fixture.driver->adopt(record, Paused::resumes)).error().code == ErrorCode::cancelled);
  CHECK(!find_process_by_token(config.token));
  CHECK(run(fixture.runtime, fixture.driver->adopt(record, Paused::resumes)).error().code == ErrorCode::not_found);
}

TEST_CASE("firecracker driver: without its API a machine is still adopted, waited for and killed") {
  Fixture fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  REQUIRE(host::remove_file(config.directory + "/api.sock"));
  auto adopted = run(fixture.runtime, fixture.driver->adopt((*machine)->record(), Paused::resumes));
  REQUIRE(adopted);
  CHECK(!run(fixture.runtime, (*adopted)->pause()));
  CHECK(run(fixture.runtime, (*adopted)->kill()));
}

TEST_CASE("firecracker driver: states are for one build on one host") {
  Fixture fixture, other({"BANGER_FAKE_VERSION=1.15.0"});
  CHECK(fixture.driver->build_key() == fixture.driver->build_key());
  CHECK(fixture.driver->build_key() != other.driver->build_key());
  CHECK(fixture.facts.snapshot_version == "10.0.0");
  CHECK(other.facts.snapshot_version == "9.0.0");
  Fixture old({"BANGER_FAKE_VERSION=1.5.0"});
  CHECK(old.facts.snapshot_version.empty());
}

TEST_CASE("firecracker probe: a missing, old or wrong binary is an error with a hint") {
  host::Runtime runtime;
  auto probe = [&](std::string binary) {
    return run(runtime, probe_firecracker(runtime, {.binary = std::move(binary), .path_variable = "/nonexistent"}));
  };
  auto missing = probe("");
  REQUIRE(!missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message == "firecracker is not installed: not found in PATH");
  CHECK(probe("/bin/true").error().message == "/bin/true does not print a Firecracker version");
  TempDir directory;
  auto old = directory.path() + "/firecracker";
  REQUIRE(host::write_file(old, "#!/bin/sh\necho Firecracker v1.4.1\n", 0700));
  auto refused = probe(old);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().hint == "install Firecracker 1.5 to 1.17");
}

TEST_CASE("firecracker vsock: an answer that is none is refused, and silence has a deadline") {
  TempDir directory;
  host::Runtime runtime;
  auto listener = host::listen_unix(directory.path() + "/vsock.sock");
  REQUIRE(listener);
  auto connect = [&](std::chrono::milliseconds limit) {
    return run(runtime, connect_vsock(runtime, directory.path(), 867, host::after(limit)));
  };
  CHECK(connect(50ms).error().code == ErrorCode::timeout);
  for (std::string said : {"NO 1\n", "OK-but-with-far-too-long-an-answer-to-be-one\n"}) {
    std::thread server([&] {
      UniqueFd first(::accept(listener->get(), nullptr, nullptr));  // of the attempt before
      UniqueFd peer(said[0] == 'N' ? ::accept(listener->get(), nullptr, nullptr) : first.release());
      char command[32];
      ssize_t got = ::read(peer.get(), command, sizeof command);
      CHECK(std::string_view(command, static_cast<std::size_t>(std::max<ssize_t>(got, 0))) == "CONNECT 867\n");
      CHECK(::write(peer.get(), said.data(), said.size()) == static_cast<ssize_t>(said.size()));
    });
    CHECK(connect(10s).error().code == ErrorCode::invalid);
    server.join();
  }
}
