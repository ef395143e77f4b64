#include "roles/cli/vm_query.h"

#include "catch.h"

using namespace banger;
using namespace banger::roles::cli;

namespace {

using Names = std::vector<std::string>;

api::VmObject vm(const std::string& name, std::uint64_t memory_bytes, std::int64_t created_at) {
  api::VmObject vm;
  vm.name = name;
  vm.image = "debian";
  vm.image_id = "i1";
  vm.network = "user";
  vm.memory_bytes = memory_bytes;
  vm.created_at = created_at;
  return vm;
}

std::vector<api::VmObject> three() {
  auto web = vm("web-1", 2, 10), db = vm("db", 3, 30), old = vm("web-2", 2, 20);
  web.state = vm::State::running;
  web.labels = {{"role", "front"}, {"ci", ""}};
  db.state = vm::State::running;
  db.paused = "no space";
  db.image = "alpine";
  db.network = "bridge";
  old.labels = {{"role", "back"}};
  return {web, db, old};
}

Names names(const std::vector<api::VmObject>& vms) {
  Names names;
  for (const auto& each : vms) names.push_back(each.name);
  return names;
}
Names kept(const std::vector<std::string>& filters) {
  auto vms = three();
  REQUIRE(keep_matching(vms, filters));
  return names(vms);
}
Names sorted(std::string_view column) {
  auto vms = three();
  sort_by(vms, column);
  return names(vms);
}

}  // namespace

TEST_CASE("vm query: a VM must match every filter") {
  CHECK(kept({}) == Names{"web-1", "db", "web-2"});
  CHECK(kept({"name=web-*"}) == Names{"web-1", "web-2"});
  CHECK(kept({"name=web-?", "state=running"}) == Names{"web-1"});
  CHECK(kept({"name=web"}).empty());
  CHECK(kept({"state=paused"}) == Names{"db"});
  CHECK(kept({"status=running"}) == Names{"web-1", "db"});
  CHECK(kept({"image=debian"}) == kept({"image=i1", "network=user"}));
  CHECK(kept({"network=bridge"}) == Names{"db"});
  CHECK(kept({"label=role"}) == Names{"web-1", "web-2"});
  CHECK(kept({"label=role=back"}) == Names{"web-2"});
  CHECK(kept({"label=ci="}) == Names{"web-1"});
  CHECK(kept({"state=suspended"}).empty());
  CHECK(kept({"label=no-such"}).empty());
}

TEST_CASE("vm query: an unknown filter is refused with the known ones") {
  for (const char* bad : {"", "running", "colour=red", "=x", "state=", "state==running", "label=", "label==x"}) {
    auto vms = three();
    auto refused = keep_matching(vms, std::vector<std::string>{bad});
    REQUIRE(!refused);
    CHECK(refused.error().hint == "write it like state=running; other keys are name, image, network and label");
  }
}

TEST_CASE("vm query: a state or network that no VM can have is refused with the choices") {
  auto refusal = [](const char* filter) {
    auto vms = three();
    auto refused = keep_matching(vms, std::vector<std::string>{filter});
    REQUIRE(!refused);
    CHECK(refused.error().code == ErrorCode::invalid);
    return refused.error();
  };
  auto typo = refusal("state=runing");
  CHECK(typo.message.starts_with("--filter: state 'runing' is not one of running, stopped, suspended, paused, silent"));
  CHECK(typo.hint == "did you mean 'running'?");
  CHECK(refusal("status=bar").message.starts_with("--filter: status 'bar' is not one of running"));
  CHECK(refusal("network=brige").message == "--filter: network 'brige' is not one of user, bridge");
  for (auto state = vm::State::creating; state <= vm::State::deleting; state = vm::State(int(state) + 1))
    CHECK(kept({"name=web-*", "state=" + std::string(vm::to_string(state))}).size() < 3);
}

TEST_CASE("vm query: words are sorted up, sizes and ages down, and equal VMs keep their order") {
  CHECK(sorted("") == Names{"web-1", "db", "web-2"});
  CHECK(sorted("name") == Names{"db", "web-1", "web-2"});
  CHECK(sorted("state") == Names{"db", "web-1", "web-2"});
  CHECK(sorted("image") == Names{"db", "web-1", "web-2"});
  CHECK(sorted("memory") == Names{"db", "web-1", "web-2"});
  CHECK(sorted("age") == Names{"db", "web-2", "web-1"});
  for (auto column : kSortColumns) CHECK(sorted(column).size() == 3);
}
