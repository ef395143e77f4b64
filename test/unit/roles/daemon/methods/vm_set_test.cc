// vm.set: egress policies.
#include <algorithm>

#include "roles/daemon/methods/method_fixture.h"

using namespace banger;

namespace {

// When a change takes effect on the host below.
struct Effect {
  capabilities::TakesEffect effect = capabilities::TakesEffect::after_restart;
};

// A host that cannot enforce rules with names.
class NoNames final : public capabilities::HostResource {
 public:
  explicit NoNames(const Effect& host) : host_(host) {}
  std::string_view name() const override { return "no names"; }
  Result<> load() override { return {}; }
  Result<> check(const vm::Spec& spec) const override {
    if (std::ranges::find(spec.allow, "example.org") == spec.allow.end()) return {};
    return fail(ErrorCode::unsupported, "this host cannot enforce names", "use addresses");
  }
  Task<Result<>> acquire(const capabilities::VmContext&, machine::MachineConfig&) override { co_return Result<>{}; }
  Task<Result<capabilities::TakesEffect>> change(std::string, const vm::Spec&, const vm::Spec&) override {
    co_return host_.effect;
  }
  Task<> release(std::string) override { co_return; }
  std::vector<std::string> holders() const override { return {}; }

 private:
  const Effect& host_;
};

struct Fixture : Effect, test::MethodFixture {
  Fixture()
      : test::MethodFixture([this](store::Store&) {
          engine::HostResources::List list;
          list.push_back(std::make_unique<NoNames>(*this));
          return list;
        }) {}
  std::shared_ptr<engine::VmOwner> add(std::shared_ptr<engine::VmOwner> vm) {
    vms.registry().add(vm);
    return vm;
  }
  /// The error's sentence, or the policy of the result with its rules.
  std::string set(Json params) {
    params["vm"] = "web";
    auto changed = call("vm.set", params);
    if (!changed) return changed.error().sentence();
    return dump_json({{"egress", changed->at("egress")}, {"allow", changed->at("allow")}});
  }
};

}  // namespace

TEST_CASE("vm.set: hosts without a policy close the rest, and a later policy opens it") {
  Fixture f;
  auto vm = f.add(f.stopped("web"));
  CHECK(vm->record().spec().egress == "open");
  CHECK(f.set({{"allow", {"10.0.0.0/8"}}}) == R"({"allow":["10.0.0.0/8"],"egress":"none"})");
  CHECK(f.set({{"egress", "open"}}) == R"({"allow":["10.0.0.0/8"],"egress":"open"})");
  CHECK(f.set({{"egress", "open"}, {"allow", {"192.168.1.5"}}}) == R"({"allow":["192.168.1.5"],"egress":"open"})");
  CHECK(f.set({{"allow", Json::array()}}) == R"({"allow":[],"egress":"open"})");
}

TEST_CASE("vm.set: a policy that this host cannot enforce is refused before it is recorded") {
  Fixture f;
  auto vm = f.add(f.stopped("web"));
  CHECK(f.set({{"allow", {"example.org"}}}) == "this host cannot enforce names (hint: use addresses)");
  CHECK(vm->record().spec().allow.empty());
  CHECK(vm->record().spec().egress == "open");
  CHECK(f.set({{"egress", "No"}}).starts_with("'No' cannot name a policy"));
}

TEST_CASE("vm.set: other fields of a VM with such a policy can still be changed") {
  Fixture f;
  auto spec = test::Fixture::small_spec();
  spec.allow = {"example.org"};
  auto vm = f.add(f.record(f.new_row("web", spec)));
  host::Cancel never(f.daemon->runtime);
  REQUIRE(f.run(vm->make(f.stages, never)));
  auto changed = f.call("vm.set", {{"vm", "web"}, {"labels", {{"a", "b"}}}});
  INFO((changed ? "" : changed.error().sentence()));
  CHECK(changed);
}

TEST_CASE("vm.set: a running VM's policy needs a restart unless the host takes it at once") {
  Fixture f;
  f.add(f.running("web"));
  auto waits = f.call("vm.set", {{"vm", "web"}, {"egress", "none"}, {"allow", {"10.0.0.1"}}});
  REQUIRE(waits);
  CHECK(waits->at("restart_needed") == Json::array({"egress", "allow"}));
  f.effect = capabilities::TakesEffect::at_once;
  auto taken = f.call("vm.set", {{"vm", "web"}, {"egress", "open"}});
  REQUIRE(taken);
  CHECK(taken->at("restart_needed") == Json::array());
}
