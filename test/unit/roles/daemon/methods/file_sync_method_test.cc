// vm.sync: the files of [[file_sync]] for a guest that runs already.
#include "roles/daemon/methods/method_fixture.h"

using namespace banger;
using vm::State;

namespace {

struct Fixture : test::MethodFixture {
  Fixture() { directory.put("settings", "mine"); }
  std::shared_ptr<engine::VmOwner> add(std::shared_ptr<engine::VmOwner> vm) {
    vms.registry().add(vm);
    return vm;
  }
  /// From now on the config has an entry.
  void sync_settings() { config.file_sync = {{.host = "~/settings", .guest = "settings", .mode = {}}}; }
  std::size_t uploads(const engine::VmOwner& vm) const { return host.of(vm.record().id())->guest->uploads.size(); }
};

}  // namespace

TEST_CASE("vm.sync: sends the files, and says how many") {
  Fixture f;
  auto vm = f.add(f.running("web"));
  f.sync_settings();
  auto synced = f.call("vm.sync", {{"vm", "web"}});
  REQUIRE(synced);
  CHECK(synced->at("files") == 1);
  CHECK(synced->at("bytes") == 4);
  CHECK(f.uploads(*vm) == 1);
}

TEST_CASE("vm.sync: resumes a suspended VM") {
  Fixture f;
  auto vm = f.add(f.suspended("web"));
  f.sync_settings();
  REQUIRE(f.call("vm.sync", {{"vm", "web"}}));
  CHECK(vm->state() == State::running);
  CHECK(f.uploads(*vm) == 1);
}

TEST_CASE("vm.sync: a plan tells what would travel, and nothing does") {
  Fixture f;
  auto vm = f.add(f.running("web"));
  f.sync_settings();
  auto planned = f.call("vm.sync", {{"vm", "web"}, {"dry_run", true}});
  REQUIRE(planned);
  REQUIRE(planned->at("plan").size() == 1);
  CHECK(planned->at("plan")[0].at("path").get<std::string>().ends_with("settings"));
  CHECK(f.uploads(*vm) == 0);
}

TEST_CASE("vm.sync: without entries it is refused, with the page that explains them") {
  Fixture f;
  f.add(f.running("web"));
  auto refused = f.call("vm.sync", {{"vm", "web"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().hint == "see docs/file-sync.md");
}
