// The periodic work of the daemon for machines.
#include "engine/health/upkeep.h"

#include <sys/stat.h>

#include <filesystem>

#include "catch.h"
#include "engine/fixture.h"
#include "host/files.h"
#include "host/recorded_directory.h"
#include "image/staged_directory.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture : test::Fixture {
  Fixture() {
    // So short that every VM counts as unused.
    config.auto_stop_stale_after = std::chrono::milliseconds(1);
    box = running();
    registry.add(box);
  }
  void look() {
    run(daemon->runtime.sleep_for(std::chrono::milliseconds(2)));
    run(stop_stale_once(daemon->services, registry));
  }

  VmRegistry registry{daemon->services};
  std::shared_ptr<VmOwner> box;
};

}  // namespace

TEST_CASE("upkeep: a VM that was unused for long is stopped") {
  Fixture f;
  f.look();
  CHECK(f.box->state() == vm::State::stopped);
}

TEST_CASE("upkeep: an unused VM is suspended instead, if the config asks for that") {
  Fixture f;
  f.config.auto_stop_action = config::StopAction::suspend;
  f.look();
  CHECK(f.box->state() == vm::State::suspended);
}

TEST_CASE("upkeep: a VM that is in use, or was used recently, keeps running") {
  Fixture f;
  {
    auto use = f.box->parts().use->begin();
    f.look();
  }
  CHECK(f.box->state() == vm::State::running);
  f.config.auto_stop_stale_after = std::chrono::hours(1);
  f.look();
  CHECK(f.box->state() == vm::State::running);
}

TEST_CASE("upkeep: machines without a user are not stale") {
  Fixture f;
  auto pooled = f.pooled();
  f.registry.add(pooled);
  f.look();
  CHECK(pooled->state() == vm::State::running);
}

TEST_CASE("upkeep: one VM that cannot be suspended does not keep the others running") {
  Fixture f;
  f.config.auto_stop_action = config::StopAction::suspend;
  auto other = f.running("other");
  f.registry.add(other);
  f.log.fail_on("agent /hold");
  f.look();
  CHECK(f.box->state() == vm::State::running);
  CHECK(other->state() == vm::State::running);
  f.log.heal();
  f.look();
  CHECK(f.box->state() == vm::State::suspended);
  CHECK(other->state() == vm::State::suspended);
}

TEST_CASE("upkeep: disabled loops end at once") {
  Fixture f;
  f.config.auto_stop_stale_after = std::chrono::milliseconds(0);
  f.config.metrics_poll_interval = std::chrono::milliseconds(0);
  CHECK(f.run(stop_stale(f.daemon->services, f.registry)));
  CHECK(f.run(poll_metrics(f.daemon->services, f.registry)));
}

TEST_CASE("upkeep: unfinished imports and interrupted downloads of killed processes are removed") {
  Fixture f;
  namespace fs = std::filesystem;
  auto plant = [](const std::string& path) {
    fs::create_directories(path);
    REQUIRE(host::write_file(path + "/half", "x"));
    return path;
  };
  std::vector<std::string> dead{plant(f.paths.images() + "/.abc.partial-00112233"),
                                plant(f.paths.kernels() + "/.mine.partial-00112233"),
                                plant(f.paths.cache + "/kernel-pull/.mine.partial-00112233"),
                                plant(f.directory / "here/.banger-cp-0011223344556677")};
  fs::create_directories(host::copy_records(f.paths));
  REQUIRE(host::write_file(host::copy_records(f.paths) + "/0011223344556677", dead.back()));
  auto running = image::StagedDirectory::make(f.paths.images(), "new");
  REQUIRE(running);
  CHECK(f.run(remove_unfinished(f.daemon->services)));
  for (const auto& path : dead) CHECK_FALSE(fs::exists(path));
  CHECK(fs::is_empty(host::copy_records(f.paths)));
  CHECK(fs::exists(running->path()));
  CHECK(f.daemon->images.get("tiny").has_value());
  CHECK(f.daemon->kernels.get("tiny").has_value());
}

TEST_CASE("upkeep: the daemon's own log is bounded like those of machines") {
  Fixture f;
  const auto own = f.daemon->services.paths.daemon_log(), console = f.box->parts().disks.directory() + "/console.log";
  auto is_bounded = [](const std::string& path) {
    struct stat info{};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    return info.st_blocks * 512 <= 3 << 20;
  };
  for (const auto& path : {own, console}) REQUIRE(host::write_file(path, std::string(9 << 20, 'x')));
  f.run(bound_logs_once(f.daemon->services, f.registry));
  CHECK(is_bounded(own));
  CHECK(is_bounded(console));
}
