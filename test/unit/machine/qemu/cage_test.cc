// The rules of machines, and what a real QEMU in its cage can still do.
#include "machine/qemu/cage.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "machine/connect.h"
#include "machine/qemu/qmp.h"
#include "machine/support.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::qemu;
using namespace std::chrono_literals;
using host::FileAccess;
using host::FileRule;

namespace {

QemuFacts facts() {
  return {.binary = "/usr/bin/qemu-system-x86_64", .landlock = true, .files = {{"/usr/lib", FileAccess::run}}};
}

MachineConfig example() {
  return {.id = "abcdefghijkl",
          .token = "f00d",
          .directory = "/d",
          .kernel = "/k/vmlinux",
          .initrds = {"/c/agent.cpio"},
          .drives = {{.serial = "rootfs", .path = "/i/root.ext4", .read_only = true},
                     {.serial = "system", .path = "/d/system.img"},
                     {.serial = "snapshot", .path = "/dev/mapper/x", .device = true}}};
}

bool has(const host::Ruleset& rules, const FileRule& rule) {
  return std::ranges::find(rules.files, rule) != rules.files.end();
}

bool names(const host::Ruleset& rules, std::string_view path) {
  return std::ranges::find(rules.files, path, &FileRule::path) != rules.files.end();
}

struct Fixture {
  Fixture() : log(::open("/dev/null", O_WRONLY | O_CLOEXEC)), logger(log.get()) {
    found = installed_qemu(runtime);
    if (found) driver = make_driver(runtime, logger, *found, "tcg");
  }
  ~Fixture() {
    if (auto left = find_process_by_token(token)) ::kill(left->pid, SIGKILL);
  }
  MachineConfig config() {
    auto kernel = directory.path() + "/kernel", disk = directory.path() + "/disk";
    REQUIRE(host::write_file(kernel, tiny_kernel("hello\r\n", Ending::halt)));
    REQUIRE(host::make_sparse_file(disk, 1 << 20));
    return {.id = "test",
            .token = token,
            .directory = directory.path(),
            .memory_bytes = 64ull << 20,
            .kernel = kernel,
            .drives = {{.serial = "disk", .path = disk}},
            .memory_file = directory.path() + "/memory"};
  }
  std::unique_ptr<Machine> start(const MachineConfig& what) {
    auto machine = run(runtime, driver->start(what, {}));
    REQUIRE(machine);
    return std::move(*machine);
  }
  /// The answer of a machine that nobody else controls to a command; "" if it succeeds.
  std::string error_of(std::string command, Json arguments) {
    auto socket = connect_now(directory.path(), kQmpSocket);
    REQUIRE(socket);
    auto qmp = run(runtime, Qmp::open(runtime, std::move(*socket), {}, host::after(20s)));
    REQUIRE(qmp);
    auto answer = run(runtime, (*qmp)->execute(std::move(command), std::move(arguments), host::after(20s)));
    return answer ? "" : answer.error().message;
  }

  TempDir directory;
  std::string token = to_hex(host::random_bytes(16));
  UniqueFd log;
  Logger logger;
  host::Runtime runtime;
  std::optional<QemuFacts> found;
  std::unique_ptr<Driver> driver;
};

Json open_for_reading(const std::string& node, const std::string& path) {
  return {{"driver", "file"}, {"node-name", node}, {"read-only", true}, {"locking", "off"}, {"filename", path}};
}

}  // namespace

TEST_CASE("cage: a machine that boots gets its kernel, its disks and its console, each with the access that it needs") {
  auto rules = rules_of(facts(), "tcg", example());
  CHECK(has(rules, {"/usr/lib", FileAccess::run}));
  CHECK(has(rules, {"/k/vmlinux", FileAccess::read}));
  CHECK(has(rules, {"/d/initrd.img", FileAccess::read}));
  CHECK(has(rules, {"/d/console.log", FileAccess::write}));
  CHECK(has(rules, {"/i/root.ext4", FileAccess::read}));
  CHECK(has(rules, {"/d/system.img", FileAccess::write}));
  CHECK(has(rules, {"/dev/mapper/x", FileAccess::device}));
  CHECK(has(rules, {"/d", FileAccess::unlink}));
  CHECK_FALSE(names(rules, "/c/agent.cpio"));  // the driver has copied it into initrd.img
  CHECK_FALSE(names(rules, "/dev/kvm"));
  CHECK(has(rules_of(facts(), "kvm", example()), {"/dev/kvm", FileAccess::device}));
}

TEST_CASE("cage: files of the own directory have one rule, unless root's helper trusts one of them") {
  auto config = example();
  CHECK_FALSE(has(rules_of(facts(), "tcg", config), {"/d", FileAccess::write}));
  config.drives.pop_back();
  auto rules = rules_of(facts(), "tcg", config);
  CHECK(has(rules, {"/d", FileAccess::write}));
  CHECK(has(rules, {"/i/root.ext4", FileAccess::read}));
  for (auto path : {"/d/system.img", "/d/initrd.img", "/d/console.log"}) CHECK_FALSE(names(rules, path));
}

TEST_CASE("cage: a machine that continues gets the saved memory, and no kernel") {
  auto config = example();
  config.restore = SavedState{.devices = "/s/devices", .memory = "/s/memory", .changes = "/s/changes"};
  auto rules = rules_of(facts(), "tcg", config);
  CHECK(names(rules, "/s/memory"));
  for (auto path : {"/k/vmlinux", "/d/initrd.img", "/s/devices", "/s/changes"}) CHECK_FALSE(names(rules, path));
}

TEST_CASE("cage: only a user network that leads somewhere has TCP and the host's resolvers") {
  auto config = example();
  auto resolvers = [](const host::Ruleset& rules) {
    return std::ranges::any_of(rules.files, [](const FileRule& rule) {
      return rule.path == "/etc" || rule.path.starts_with("/run/") || rule.path.starts_with("/mnt/");
    });
  };
  CHECK_FALSE(rules_of(facts(), "tcg", config).tcp);
  CHECK_FALSE(makes_sockets(config));
  config.nics = {{.mac = "52:54:00:00:00:01", .restrict_outside = true}};
  CHECK_FALSE(rules_of(facts(), "tcg", config).tcp);
  CHECK_FALSE(resolvers(rules_of(facts(), "tcg", config)));
  config.nics[0].forwards = {{"127.0.0.1", 2222, 22}};
  CHECK(rules_of(facts(), "tcg", config).tcp);
  CHECK(makes_sockets(config));
  config.nics = {{.mac = "52:54:00:00:00:01"}};
  CHECK(rules_of(facts(), "tcg", config).tcp);
  CHECK(resolvers(rules_of(facts(), "tcg", config)));
}

TEST_CASE("cage: a program's parts are beside its directory bin, or not known") {
  TempDir prefix;
  for (auto name : {"bin", "lib", "share", "etc"}) REQUIRE(host::make_directories(prefix.path() + "/" + name));
  REQUIRE(host::write_file(prefix.path() + "/bin/qemu", "", 0755));
  auto files = files_of(prefix.path() + "/bin/qemu");
  auto lists = [&](const FileRule& rule) { return std::ranges::find(files, rule) != files.end(); };
  CHECK(lists({prefix.path() + "/bin/qemu", FileAccess::run}));
  CHECK(lists({prefix.path() + "/lib", FileAccess::run}));
  CHECK(lists({prefix.path() + "/share", FileAccess::read}));
  CHECK(lists({"/usr/lib", FileAccess::run}));
  CHECK_FALSE(lists({prefix.path() + "/etc", FileAccess::read}));
  REQUIRE(host::write_file(prefix.path() + "/qemu", "", 0755));
  CHECK(files_of(prefix.path() + "/qemu").empty());
  CHECK(files_of("/nonexistent/bin/qemu").empty());
}

TEST_CASE("cage: a running QEMU has no new privileges, no core file, few descriptors and few capabilities") {
  Fixture fixture;
  if (!fixture.found) return;
  auto machine = fixture.start(fixture.config());
  auto proc = fmt::format("/proc/{}/", machine->record().process.pid);
  auto status = host::read_file(proc + "status", 1 << 16), limits = host::read_file(proc + "limits", 1 << 16);
  REQUIRE(status);
  REQUIRE(limits);
  CHECK(status->find("NoNewPrivs:\t1\n") != status->npos);
  CHECK(status->find("Seccomp:\t2\n") != status->npos);
  auto capabilities = status->find("CapEff:\t") + 8;
  CHECK(std::stoull(status->substr(capabilities, 16), nullptr, 16) == (::geteuid() == 0 ? 2 : 0));  // CAP_DAC_OVERRIDE
  auto line = limits->substr(limits->find("Max core file size"), 60);
  CHECK(split(trim(line.substr(18)), ' ').front() == "0");
  REQUIRE(run(fixture.runtime, machine->kill()));
}

TEST_CASE("cage: QEMU opens its own files, and neither other files nor sockets") {
  Fixture fixture;
  if (!fixture.found) return;
  if (!fixture.found->landlock) {
    std::printf("SKIPPED: cage: QEMU opens its own files, and neither other files nor sockets: no Landlock\n");
    return;
  }
  auto config = fixture.config();
  fixture.start(config).reset();  // gives up the control connection
  TempDir elsewhere;
  REQUIRE(host::write_file(elsewhere.path() + "/secret", std::string(512, 's')));
  auto denied = [](const std::string& error) { return error.find("Permission denied") != error.npos; };
  CHECK(fixture.error_of("blockdev-add", open_for_reading("own", config.drives[0].path)).empty());
  CHECK(denied(fixture.error_of("blockdev-add", open_for_reading("a", elsewhere.path() + "/secret"))));
  CHECK(denied(fixture.error_of("blockdev-add", open_for_reading("b", "/etc/passwd"))));
  CHECK(denied(fixture.error_of(
      "chardev-add",
      {{"id", "f"}, {"backend", {{"type", "file"}, {"data", {{"out", fixture.directory.path() + "/new"}}}}}})));
  Json address = {{"type", "unix"}, {"data", {{"path", fixture.directory.path() + "/agent.sock"}}}};
  CHECK_FALSE(
      fixture
          .error_of("chardev-add",
                    {{"id", "s"}, {"backend", {{"type", "socket"}, {"data", {{"addr", address}, {"server", false}}}}}})
          .empty());
}

TEST_CASE("cage: a paused QEMU writes its devices into a file of a directory that it cannot reach") {
  Fixture fixture;
  if (!fixture.found) return;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  TempDir elsewhere;
  SavedState state{.devices = elsewhere.path() + "/devices", .memory = config.memory_file};
  REQUIRE(run(fixture.runtime, machine->pause()));
  REQUIRE(run(fixture.runtime, machine->save(state)));
  REQUIRE(run(fixture.runtime, machine->kill()));
  struct stat info{};
  REQUIRE(::stat(state.devices.c_str(), &info) == 0);
  CHECK(info.st_size > 1000);
  CHECK((info.st_mode & 0777) == 0600);
  // Another machine continues from it.
  config.restore = state;
  auto clone = fixture.start(config);
  CHECK(clone->running());
  REQUIRE(run(fixture.runtime, clone->kill()));
}

TEST_CASE("cage: a disk grows, and its QEMU leaves no sockets and no complaints") {
  Fixture fixture;
  if (!fixture.found) return;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(run(fixture.runtime, machine->resize_drive(0, 4 << 20)));
  struct stat info{};
  REQUIRE(::stat(config.drives[0].path.c_str(), &info) == 0);
  CHECK(info.st_size == 4 << 20);
  machine.reset();
  CHECK(fixture.error_of("quit", nullptr).empty());
  auto gone = [&] { return !find_process_by_token(fixture.token); };
  for (auto until = host::after(30s); !gone() && host::Clock::now() < until; ::usleep(10'000)) continue;
  CHECK(gone());
  CHECK(::access((fixture.directory.path() + "/qmp.sock").c_str(), F_OK) < 0);
  auto log = host::read_file(fixture.directory.path() + "/machine.log", 1 << 16);
  REQUIRE(log);
  CHECK(log->find("denied") == log->npos);
}
