// The driver with a jailer: the files that go into a jail and come out. Everything else is as without a jail. The jail
// here is a directory with links, in which the stand-in runs. test/cli/test_jailer.py has real jails.
#include "machine/firecracker/jail_client.h"

#include <filesystem>

#include "stand_in.h"

using namespace banger;
using namespace banger::machine;
using namespace banger::machine::firecracker;

namespace {

class DirectoryJailer : public Jailer {
 public:
  explicit DirectoryJailer(std::string binary) : binary_(std::move(binary)) {}

  Task<Result<>> check(std::string firecracker) override {
    if (firecracker != binary_) co_return fail(ErrorCode::unsupported, "another Firecracker");
    co_return Result<>{};
  }

  Task<Result<JailedProcess>> start(JailedStart start) override {
    started = start;
    if (refuses) co_return fail(ErrorCode::unavailable, "no jail today");
    auto jail = start.directory + "/jail";
    (void)host::remove_tree(jail);
    CO_TRY(host::make_directories(jail, 0700));
    for (const auto* list : {&start.read, &start.write})
      for (const auto& file : *list) std::filesystem::create_symlink(file.path, jail + "/" + file.name);
    auto console = CO_TRY(host::open_file(start.directory + "/console.log", O_WRONLY | O_APPEND));
    host::SpawnSpec spec{
        .argv = {binary_, "--id", start.token}, .env = {"PATH=/usr/bin:/bin"}, .cwd = jail, .stdout_fd = console.get()};
    for (auto& word : jailed_arguments()) spec.argv.push_back(word);
    spec.new_session = true;
    auto child = CO_TRY(host::spawn(spec));
    auto id = CO_TRY(host::process_id(child.pid()));
    co_return JailedProcess{.pidfd = child.release(), .id = id};
  }

  JailedStart started;
  bool refuses = false;

 private:
  std::string binary_;
};

struct JailedBench : Fixture {
  JailedBench() : jailer(binary) {}
  MachineConfig config(const std::string& name = "vm") {
    auto config = Fixture::config(name);
    config.jailer = &jailer;
    return config;
  }
  DirectoryJailer jailer;
};

std::vector<std::string> names_of(const std::vector<JailFile>& files) {
  std::vector<std::string> names;
  for (const auto& file : files) names.push_back(file.name);
  return names;
}

}  // namespace

TEST_CASE("firecracker in a jail: it gets what it boots from, its disks, and nothing else") {
  JailedBench fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  CHECK((*machine)->record().jailed);
  CHECK(fixture.jailer.started.vm_id == config.id);
  CHECK(fixture.jailer.started.token == config.token);
  CHECK(fixture.jailer.started.memory_bytes == config.memory_bytes);
  CHECK(names_of(fixture.jailer.started.read) == std::vector<std::string>{"disk0", "vmlinux", "initrd.img"});
  CHECK(names_of(fixture.jailer.started.write) == std::vector<std::string>{"firecracker.log", "disk1"});
  for (const auto* list : {&fixture.jailer.started.read, &fixture.jailer.started.write})
    for (const auto& file : *list) {
      CHECK(is_jail_file_name(file.name));
      CHECK(file.path.starts_with('/'));
    }
  auto link = run(fixture.runtime, (*machine)->open_link());
  REQUIRE(link);
  CHECK(echoes(link->get()));
  CHECK(text_of(config.directory + "/console.log").find("fake guest") != std::string::npos);
  REQUIRE(run(fixture.runtime, (*machine)->resize_drive(1, 2 << 20)));
  CHECK(std::filesystem::file_size(config.directory + "/system.img") == 2 << 20);
  REQUIRE(run(fixture.runtime, (*machine)->kill()));
  CHECK(!find_process_by_token(config.token));
}

TEST_CASE("firecracker in a jail: a saved state comes out, and goes into the next one read only") {
  JailedBench fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  REQUIRE(run(fixture.runtime, (*machine)->pause()));
  REQUIRE(run(fixture.runtime, (*machine)->save(fixture.saved())));
  for (const auto& path : {fixture.saved().devices, fixture.saved().memory}) {
    struct stat info{};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
  }
  CHECK(!std::filesystem::exists(config.directory + "/jail/saved.memory"));
  REQUIRE(run(fixture.runtime, (*machine)->kill()));

  auto next = fixture.config("next");
  next.restore = fixture.saved();
  auto clone = fixture.start(next);
  REQUIRE(clone);
  CHECK(names_of(fixture.jailer.started.read) == std::vector<std::string>{"disk0", "loaded.devices", "loaded.memory"});
  CHECK((*clone)->record().memory_file == fixture.saved().memory);
  auto link = run(fixture.runtime, (*clone)->open_link());
  REQUIRE(link);
  CHECK(echoes(link->get()));
  REQUIRE(run(fixture.runtime, (*clone)->kill()));
}

TEST_CASE("firecracker in a jail: its record leads to it, and says that it is in one") {
  JailedBench fixture;
  auto config = fixture.config();
  auto machine = fixture.start(config);
  REQUIRE(machine);
  auto record = record_from_json(to_json((*machine)->record()));
  REQUIRE(record);
  CHECK(record->jailed);
  // A daemon that adopts the machine need not make jails.
  auto driver = make_driver(fixture.runtime, fixture.logger, fixture.facts);
  auto adopted = run(fixture.runtime, driver->adopt(*record, Paused::resumes));
  REQUIRE(adopted);
  auto link = run(fixture.runtime, (*adopted)->open_link());
  REQUIRE(link);
  CHECK(echoes(link->get()));
  REQUIRE(run(fixture.runtime, (*adopted)->kill()));
}

TEST_CASE("firecracker in a jail: a start that fails, before or after, says why and leaves no process") {
  JailedBench fixture;
  auto config = fixture.config();
  fixture.jailer.refuses = true;
  auto refused = fixture.start(config);
  REQUIRE(!refused);
  CHECK(refused.error().message == "start Firecracker: jail: no jail today");
  fixture.jailer.refuses = false;
  auto broken = fixture.config("broken");
  broken.drives[1].path = "/nonexistent/system.img";
  auto failed = fixture.start(broken);
  REQUIRE(!failed);
  CHECK(failed.error().message.starts_with("start Firecracker: PUT /drives/disk1: Unable to create the block device"));
  CHECK(!find_process_by_token(broken.token));

  fixture.facts.binary = "/opt/another";
  fixture.driver = make_driver(fixture.runtime, fixture.logger, fixture.facts);
  CHECK(fixture.start(fixture.config("other")).error().code == ErrorCode::unsupported);
}
