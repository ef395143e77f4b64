// vm.egress: what a client gets of a gate's log.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "api/objects/egress.h"
#include "egress/log.h"
#include "roles/daemon/bounds.h"
#include "roles/daemon/methods/method_fixture.h"

using namespace banger;

namespace {

struct Fixture : test::MethodFixture {
  /// A stopped VM with that policy.
  std::shared_ptr<engine::VmOwner> add(std::string egress, std::vector<std::string> allow = {}) {
    auto spec = small_spec();
    spec.egress = std::move(egress);
    spec.network = network;
    spec.allow = std::move(allow);
    auto vm = record(new_row("web", spec));
    vms.registry().add(vm);
    return vm;
  }
  vm::Network network = vm::Network::bridge;
  test::NoGate& gate() { return daemon->egress; }
};

egress::LogRow row_of(std::string name, egress::Reason reason, std::uint64_t sequence) {
  return {.name = std::move(name),
          .address = 0x5db8d822,
          .port = 443,
          .reason = reason,
          .sent = 7,
          .received = 9,
          .count = 2,
          .first = egress::WallTime(std::chrono::seconds(100)),
          .last = egress::WallTime(std::chrono::seconds(200)),
          .sequence = sequence};
}

std::string answer_of(const std::vector<egress::LogRow>& rows, std::uint64_t sequence, std::uint64_t forgotten = 0) {
  Json list = Json::array();
  for (const auto& row : rows) list.push_back(egress::to_json(row));
  return dump_json({{"rows", list}, {"sequence", sequence}, {"forgotten", forgotten}});
}

}  // namespace

TEST_CASE("vm.egress: gives the policy and the rows of the gate unchanged") {
  Fixture f;
  auto vm = f.add("none", {"example.org:443"});
  auto allowed = row_of("example.org", egress::Reason::allowed, 4);
  auto lookup = row_of("b.org", egress::Reason::name_not_allowed, 5);
  lookup.address = 0;
  lookup.port = 0;
  f.gate().answer = answer_of({allowed, lookup}, 5, 3);
  auto got = f.call("vm.egress", {{"vm", "web"}, {"since", 2}});
  INFO((got ? "" : got.error().sentence()));
  REQUIRE(got);
  CHECK(f.gate().asked_id == vm->record().id());
  CHECK(f.gate().asked_since == 2);
  CHECK(*got == Json{{"policy", "none, except example.org:443"},
                     {"rows", Json::array({egress::to_json(allowed), egress::to_json(lookup)})},
                     {"sequence", 5},
                     {"more", false},
                     {"forgotten", 3}});
}

TEST_CASE("vm.egress: a row has exactly the fields of the log") {
  std::set<std::string> described, logged;
  for (const auto& field : api::EgressRow::kObject.fields) described.emplace(field.name);
  for (const auto& [key, value] : egress::to_json(row_of("a", egress::Reason::port_closed, 1)).items())
    logged.insert(key);
  CHECK(described == logged);
}

TEST_CASE("vm.egress: a VM that is open without hosts has no log") {
  Fixture f;
  f.add("open");
  CHECK(f.call("vm.egress", {{"vm", "web"}}).error().sentence() ==
        "vm 'web' has no egress policy, so nothing is recorded (hint: 'banger vm set web --allow HOST' limits it to "
        "that host, and records)");
  CHECK(f.gate().asked_id.empty());
}

TEST_CASE("vm.egress: hosts that are opened in addition are recorded, and the policy may come from the config") {
  Fixture f;
  f.add("open", {"192.168.1.5"});
  CHECK(f.call("vm.egress", {{"vm", "web"}})->at("policy") == "open, also 192.168.1.5");
  Fixture g;
  g.config.egress_policies["ci"] = {"a.org"};
  g.add("ci");
  CHECK(g.call("vm.egress", {{"vm", "web"}})->at("policy") == "ci: a.org");
  g.config.egress_policies.clear();  // the log of what it did stays
  CHECK(g.call("vm.egress", {{"vm", "web"}})->at("policy") == "ci, which is not in the config");
}

TEST_CASE("vm.egress: a VM of the user network has no log") {
  Fixture f;
  f.network = vm::Network::user;
  f.add("none");
  CHECK(f.call("vm.egress", {{"vm", "web"}}).error().message ==
        "vm 'web' is in the user network, which records nothing");
  CHECK(f.gate().asked_id.empty());
}

TEST_CASE("vm.egress: a long log comes in several answers") {
  Fixture f;
  f.add("none");
  std::vector<egress::LogRow> rows;
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    std::string name;
    for (int byte = 0; byte < 255; ++byte) name += "\\xff";
    rows.push_back(row_of(name, egress::Reason::allowed, i));
  }
  f.gate().answer = answer_of(rows, 2000);
  auto got = f.call("vm.egress", {{"vm", "web"}});
  REQUIRE(got);
  CHECK(dump_json(*got).size() < limits::kRpcMessageBytes);
  CHECK(got->at("more") == true);
  CHECK(got->at("rows").size() > 100);
  CHECK(got->at("rows").size() == got->at("sequence"));
}

TEST_CASE("vm.egress: a long policy is cut after one of its rules") {
  Fixture f;
  std::vector<std::string> hosts;
  for (int i = 0; i < 2000; ++i) hosts.push_back(fmt::format("host{}.example.org", i));
  f.add("none", hosts);
  auto policy = f.call("vm.egress", {{"vm", "web"}})->at("policy").get<std::string>();
  CHECK(policy.starts_with("none, except host0.example.org, "));
  CHECK(policy.ends_with(".example.org, …"));
  CHECK(policy.size() < limits::kPolicyTextBytes + 10);
}

TEST_CASE("vm.egress: a gate that fails, or sends something else, is an error") {
  Fixture f;
  f.add("none");
  f.gate().answer = fail(ErrorCode::unavailable, "the gate is gone");
  CHECK(f.call("vm.egress", {{"vm", "web"}}).error().code == ErrorCode::unavailable);
  f.gate().answer = R"({"rows": [{"name": 1}]})";
  CHECK(f.call("vm.egress", {{"vm", "web"}}).error().code == ErrorCode::corrupt);
  f.gate().answer = "no JSON";
  CHECK_FALSE(f.call("vm.egress", {{"vm", "web"}}));
}
