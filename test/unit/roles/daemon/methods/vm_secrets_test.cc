// vm.set and vm.show: secrets, and their values beside the record.
#include <sys/stat.h>

#include "roles/daemon/methods/method_fixture.h"

using namespace banger;

namespace {

struct Fixture : test::MethodFixture {
  Fixture() : test::MethodFixture([](store::Store&) { return engine::HostResources::List(); }) {
    config.secrets["FILE"].hosts = {"a.org"};
    config.secrets["FILE"].file = directory / "token";
    directory.put("token", "of the file");
    REQUIRE(::chmod((directory / "token").c_str(), 0600) == 0);
    daemon->services.secrets = &secrets;
    auto spec = small_spec();
    spec.egress = "none";
    spec.allow = {"a.org", "*.b.org"};
    vm = record(new_row("web", spec));
    host::Cancel never(daemon->runtime);
    REQUIRE(run(vm->make(stages, never)));
    vms.registry().add(vm);
  }
  /// The error's sentence, or the secrets of the result.
  std::string set(Json params) {
    params["vm"] = "web";
    auto changed = call("vm.set", params);
    return changed ? dump_json(changed->at("secrets")) : changed.error().sentence();
  }
  std::string value(const std::string& name) {
    const auto* found = secrets.values().find(vm->record().id(), name);
    return found ? std::string(found->view()) : "-";
  }

  engine::Secrets secrets{daemon->runtime, daemon->log, paths, config};
  std::shared_ptr<engine::VmOwner> vm;
};

const Json kToken = Json::array({"TOKEN@A.org,x.b.org:443"});

}  // namespace

TEST_CASE("vm.set: a secret is recorded with its hosts, and its value is not") {
  Fixture f;
  CHECK(f.set({{"secrets", kToken}, {"secret_values", {{"TOKEN", "hush"}}}}) ==
        R"([{"available":true,"hosts":["a.org","x.b.org:443"],"name":"TOKEN"}])");
  CHECK(f.value("TOKEN") == "hush");
  auto row = f.row("web");
  REQUIRE(row);
  CHECK(row->spec.find("TOKEN@a.org,x.b.org:443") != row->spec.npos);
  CHECK(row->spec.find("hush") == row->spec.npos);
  // Other changes leave both.
  CHECK(f.set({{"labels", {{"a", "b"}}}}).find("\"available\":true") != std::string::npos);
  CHECK(f.set({{"secrets", kToken}}).find("\"available\":true") != std::string::npos);
  CHECK(f.set({{"secrets", Json::array()}}) == "[]");
  CHECK(f.value("TOKEN") == "-");
}

TEST_CASE("vm.set: a secret without hosts has those of the config, and the daemon reads its file") {
  Fixture f;
  CHECK(f.set({{"secrets", {"FILE"}}}) == R"([{"available":true,"hosts":["a.org"],"name":"FILE"}])");
  CHECK(f.value("FILE") == "-");
  CHECK(f.set({{"secrets", {"OTHER"}}}).starts_with("the secret 'OTHER' has no hosts (hint: "));
  REQUIRE(::chmod((f.directory / "token").c_str(), 0644) == 0);
  CHECK(f.set({{"secrets", {"FILE@x.b.org"}}}).find("can be read or written by other users") != std::string::npos);
}

TEST_CASE("vm.set: a secret is refused without a value, and one that the policy does not cover") {
  Fixture f;
  auto unchanged = [&] { return f.call("vm.show", {{"vm", "web"}})->at("secrets") == Json::array(); };
  CHECK(f.set({{"secrets", kToken}}).starts_with("the secret 'TOKEN' has no value (hint: "));
  auto with = [&](const char* secret, Json more = Json::object()) {
    Json params = {{"secrets", {secret}}, {"secret_values", {{"TOKEN", "hush"}}}};
    params.update(more);
    return f.set(params);
  };
  CHECK(with("TOKEN@c.org").starts_with("the egress policy does not name 'c.org', which the secret 'TOKEN' is for"));
  CHECK(
      with("TOKEN@a.org", {{"egress", "open"}}).starts_with("a VM with the egress policy 'open' can have no secrets"));
  CHECK(with("TOKEN@a.org", {{"nat", false}}).starts_with("a VM without nat can have no secrets"));
  CHECK(with("TOKEN@10.0.0.1").starts_with("'10.0.0.1' cannot get the secret 'TOKEN'"));
  CHECK(with("PATH@a.org").starts_with("field 'secrets': 'PATH' cannot name a secret"));
  CHECK(with("OTHER@a.org").starts_with("the VM has no secret 'TOKEN'"));
  CHECK(unchanged());
  CHECK(f.value("TOKEN") == "-");
}

TEST_CASE("vm.set: a policy that stops covering a secret is refused") {
  Fixture f;
  f.set({{"secrets", kToken}, {"secret_values", {{"TOKEN", "hush"}}}});
  CHECK(f.set({{"allow", {"a.org"}}}).starts_with("the egress policy does not name 'x.b.org:443'"));
  CHECK(f.set({{"egress", "open"}}).starts_with("a VM with the egress policy 'open'"));
  CHECK(f.set({{"nat", false}}).starts_with("a VM without nat"));
  CHECK(f.set({{"allow", {"a.org"}}, {"secrets", Json::array()}}) == "[]");
}

TEST_CASE("vm.set: values alone reach the gate, and a bad one changes nothing") {
  Fixture f;
  f.set({{"secrets", kToken}, {"secret_values", {{"TOKEN", "one"}}}});
  CHECK(f.daemon->egress.renewed.empty());
  CHECK(f.set({{"secret_values", {{"TOKEN", "two"}}}}).find("\"available\":true") != std::string::npos);
  CHECK(f.value("TOKEN") == "two");
  CHECK(f.daemon->egress.renewed == std::vector<std::string>{f.vm->record().id()});
  auto refused = f.set({{"secret_values", {{"TOKEN", "hush\nhush"}}}});
  CHECK(refused.starts_with("the value of the secret 'TOKEN' has a line break"));
  CHECK(refused.find("hush") == refused.npos);
  CHECK(f.value("TOKEN") == "two");
  // The change itself fails, so the old value stays.
  CHECK(f.set({{"secret_values", {{"TOKEN", "three"}}}, {"disk_bytes", 65 << 20}, {"system_bytes", 1}}).find("hint") !=
        std::string::npos);
  CHECK(f.value("TOKEN") == "two");
}

TEST_CASE("vm.show and vm.list: whether a value is there, and never the value") {
  Fixture f;
  f.set({{"secrets", kToken}, {"secret_values", {{"TOKEN", "hush"}}}});
  f.secrets.note_missing(f.vm->record().id(), {"TOKEN"});
  auto shown = f.call("vm.show", {{"vm", "web"}});
  REQUIRE(shown);
  CHECK(shown->at("secrets").at(0).at("available") == false);
  CHECK(dump_json(*shown).find("hush") == std::string::npos);
  auto list = f.call("vm.list", Json::object());
  REQUIRE(list);
  CHECK_FALSE(list->at("vms").at(0).contains("secrets"));
}
