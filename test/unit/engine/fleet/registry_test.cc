// Finding VMs, and finding the users of images, kernels and saved states.
#include "engine/fleet/registry.h"

#include "catch.h"
#include "engine/fixture.h"

using namespace banger;
using namespace banger::engine;

namespace {

struct Fixture : test::Fixture {
  std::shared_ptr<VmOwner> add(std::string name, std::string id,
                               const std::function<void(store::VmRow&)>& change = {}) {
    auto row = new_row(std::move(name));
    row.id = std::move(id);
    if (change) change(row);
    auto vm = record(std::move(row));
    registry.add(vm);
    return vm;
  }
  std::string names(const std::vector<std::shared_ptr<VmOwner>>& vms) const {
    std::string all;
    for (const auto& vm : vms) all += (all.empty() ? "" : " ") + vm->record().name();
    return all;
  }

  VmRegistry registry{daemon->services};
};

auto with_purpose(store::Purpose purpose) {
  return [purpose](store::VmRow& row) { row.purpose = purpose; };
}

}  // namespace

TEST_CASE("registry: users' VMs are listed oldest first, and everything lists all VMs") {
  Fixture f;
  f.add("young", "aaaaaaaaaaaa", [](store::VmRow& row) { row.created_at = 2; });
  f.add("old", "bbbbbbbbbbbb", [](store::VmRow& row) { row.created_at = 1; });
  f.add(".pool", "cccccccccccc", with_purpose(store::Purpose::pool));
  f.add(".template", "dddddddddddd", with_purpose(store::Purpose::template_build));
  CHECK(f.names(f.registry.list()) == "old young");
  CHECK(f.registry.everything().size() == 4);
  f.registry.forget("aaaaaaaaaaaa");
  CHECK(f.names(f.registry.list()) == "old");
}

TEST_CASE("registry: a VM is found by name, by id and by a unique start of its id") {
  Fixture f;
  auto web = f.add("web", "abc000000000");
  f.add("db", "abd000000000");
  CHECK(f.registry.get("web") == web);
  CHECK(f.registry.get("abc000000000") == web);
  CHECK(f.registry.get("abc") == web);
}

TEST_CASE("registry: a name wins over the start of another VM's id") {
  Fixture f;
  f.add("web", "abc000000000");
  auto named = f.add("abc", "xyz000000000");
  CHECK(f.registry.get("abc") == named);
}

TEST_CASE("registry: the error for an ambiguous start lists the VMs") {
  Fixture f;
  f.add("web", "abc000000000");
  f.add("db", "abd000000000");
  auto got = f.registry.get("ab");
  REQUIRE_FALSE(got);
  CHECK(got.error().code == ErrorCode::invalid);
  CHECK(got.error().message == "'ab' is the start of several VM ids: abc000000000 (web), abd000000000 (db)");
  CHECK_FALSE(f.registry.get(""));
}

TEST_CASE("registry: the error for an unknown name suggests similar names, or the list") {
  Fixture f;
  f.add("webserver", "abc000000000");
  auto near = f.registry.get("webservr");
  REQUIRE_FALSE(near);
  CHECK(near.error().code == ErrorCode::not_found);
  CHECK(near.error().message == "there is no vm 'webservr'");
  CHECK(near.error().hint == "did you mean webserver?");
  CHECK(f.registry.get("q").error().hint == "banger vm list shows all VMs");
}

TEST_CASE("registry: machines without a user are not found, but their ids are taken") {
  Fixture f;
  auto pooled = f.add(".pool", "cccccccccccc", with_purpose(store::Purpose::pool));
  CHECK_FALSE(f.registry.get("cccccccccccc"));
  CHECK_FALSE(f.registry.get(".pool"));
  CHECK(f.registry.find_exactly("cccccccccccc") == pooled);
  CHECK_FALSE(f.registry.check_is_free("cccccccccccc"));
}

TEST_CASE("registry: a name is taken by a name and by a whole id, not by the start of an id") {
  Fixture f;
  f.add("web", "abc000000000");
  CHECK(f.registry.check_is_free("web").error().code == ErrorCode::exists);
  CHECK(f.registry.check_is_free("abc000000000").error().code == ErrorCode::exists);
  CHECK(f.registry.check_is_free("abc"));
  CHECK(f.registry.find_exactly("abc") == nullptr);
}

TEST_CASE("registry: a random name is legal, and no VM has it") {
  Fixture f;
  auto name = f.registry.free_name();
  CHECK(vm::check_name(name));
  CHECK(f.registry.check_is_free(name));
}

TEST_CASE("registry: for_each_vm calls for existing and for new VMs of any purpose") {
  Fixture f;
  f.add("web", "abc000000000");
  std::string names;
  f.registry.for_each_vm([&](std::shared_ptr<VmOwner> vm) { names += vm->record().name() + " "; });
  CHECK(names == "web ");
  f.add(".pool", "cccccccccccc", with_purpose(store::Purpose::pool));
  CHECK(names == "web .pool ");
}

TEST_CASE("registry: VMs, unfinished templates and snapshots use images and kernels, the pool does not") {
  Fixture f;
  auto use = [](store::Purpose purpose) {
    return [purpose](store::VmRow& row) {
      row.purpose = purpose;
      row.image_id = "image";
      row.kernel = "kernel";
    };
  };
  f.add("web", "aaaaaaaaaaaa", use(store::Purpose::user));
  f.add(".template", "bbbbbbbbbbbb", use(store::Purpose::template_build));
  f.add(".pool", "cccccccccccc", use(store::Purpose::pool));
  f.add("other", "dddddddddddd");
  store::SaveRow snapshot;
  snapshot.kind = store::SaveKind::snapshot;
  snapshot.name = "good";
  snapshot.image_id = "image";
  snapshot.kernel = "kernel";
  REQUIRE(f.daemon->saves.begin(snapshot));
  std::vector<std::string> users{"web", "(an unfinished template)", "(snapshot good)"};
  CHECK(f.registry.users_of_image("image") == users);
  CHECK(f.registry.users_of_kernel("kernel") == users);
  CHECK(f.registry.users_of_image("none").empty());
}

TEST_CASE("registry: the users of a saved state are the users' VMs that start from it") {
  Fixture f;
  f.add("web", "aaaaaaaaaaaa", [](store::VmRow& row) { row.save_id = "save"; });
  f.add("other", "bbbbbbbbbbbb");
  CHECK(f.registry.users_of_save("save") == std::vector<std::string>{"web"});
}

TEST_CASE("registry: after a daemon start the store's VMs exist and use their saved states") {
  Fixture f;
  f.add("web", "aaaaaaaaaaaa", [](store::VmRow& row) { row.save_id = "save"; });
  f.restart();
  VmRegistry registry(f.daemon->services);
  REQUIRE(registry.load());
  CHECK(registry.get("web"));
  CHECK(f.daemon->saves.in_use("save"));
}

TEST_CASE("registry: the error names an unreadable record") {
  Fixture f;
  auto row = f.new_row("web");
  row.spec = "{";
  REQUIRE(f.daemon->store->insert_vm(row, {}));
  auto loaded = f.registry.load();
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().message.find("the record of vm 'web'") != std::string::npos);
}

TEST_CASE("registry: what is used cannot be deleted, and the hint fits its users") {
  CHECK(check_unused("image 'x'", {}));
  CHECK(check_unused("image 'x'", {"web", "db"}).error().sentence() ==
        "image 'x' is used by web, db (hint: delete those VMs first)");
  CHECK(check_unused("kernel 'k'", {"(snapshot s)"}).error().sentence() ==
        "kernel 'k' is used by (snapshot s) (hint: delete those snapshots first, with 'banger vm snapshot delete')");
  CHECK(check_unused("image 'x'", {"web", "(snapshot s)"}).error().hint == "delete those VMs and snapshots first");
}
