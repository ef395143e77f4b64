// From the config and a VM's spec to its egress policy.
#include "capabilities/egress_policy.h"

#include "catch.h"
#include "egress/bounds.h"

using namespace banger;
using capabilities::check_policies;
using capabilities::needs_gate;
using capabilities::policy_of;

namespace {

config::Config with_policies() {
  config::Config config;
  config.egress_policies["ci"] = {"example.org", "10.0.0.0/8"};
  config.egress_policies["broken"] = {"exa mple"};
  return config;
}

vm::Spec spec_of(std::string egress, std::vector<std::string> allow = {}) {
  vm::Spec spec;
  spec.egress = std::move(egress);
  spec.allow = std::move(allow);
  return spec;
}

}  // namespace

TEST_CASE("egress policy: the rules of the config come first, then those of the VM") {
  auto policy = policy_of(with_policies(), spec_of("ci", {"b.org:443", "example.org"}));
  REQUIRE(policy);
  CHECK(to_text(*policy) == "ci: example.org, 10.0.0.0/8, b.org:443");
  CHECK(policy->allows("example.org", 80));
  CHECK(policy->allows("b.org", 443));
  CHECK_FALSE(policy->allows("c.org", 443));
}

TEST_CASE("egress policy: open and none need no config") {
  CHECK(to_text(policy_of({}, {}).value()) == "open");
  CHECK(to_text(policy_of({}, spec_of("none", {"a.org"})).value()) == "none, except a.org");
  // A config that was not read by banger's rules changes neither.
  config::Config config;
  config.egress_policies["none"] = {"a.org"};
  CHECK(to_text(policy_of(config, spec_of("none")).value()) == "none");
}

TEST_CASE("egress policy: a policy that the config lacks is refused with a way out") {
  auto refusal = [](const char* name) { return policy_of(with_policies(), spec_of(name)).error(); };
  CHECK(refusal("cii").code == ErrorCode::invalid);
  CHECK(refusal("cii").sentence() == "the config has no egress policy 'cii' (hint: did you mean 'ci'?)");
  CHECK(refusal("opn").hint == "did you mean 'open'?");
  CHECK(refusal("production").sentence() ==
        "the config has no egress policy 'production' (hint: add [egress.production] to the config, or use open or "
        "none)");
}

TEST_CASE("egress policy: a wrong rule is refused, and the error says where it is") {
  auto in_config = policy_of(with_policies(), spec_of("broken", {"a.org"}));
  REQUIRE_FALSE(in_config);
  CHECK(in_config.error().code == ErrorCode::invalid);
  CHECK(in_config.error().message.starts_with("[egress.broken] of the config: egress rule: "));
  auto own = policy_of(with_policies(), spec_of("ci", {"exa mple"}));
  REQUIRE_FALSE(own);
  CHECK(own.error().message.starts_with("egress rule: "));
}

TEST_CASE("egress policy: both lists together have the limit of one policy") {
  auto config = with_policies();
  config.egress_policies["ci"].assign(limits::kEgressRules, "example.org");
  CHECK(policy_of(config, spec_of("ci")));
  CHECK(policy_of(config, spec_of("ci", {"a.org"})).error().code == ErrorCode::exhausted);
}

TEST_CASE("egress policy: only plain open needs no gate") {
  CHECK_FALSE(needs_gate(policy_of({}, {}).value()));
  CHECK(needs_gate(policy_of({}, spec_of("open", {"192.168.1.5"})).value()));
  CHECK(needs_gate(policy_of({}, spec_of("none")).value()));
  auto config = with_policies();
  config.egress_policies["empty"] = {};
  CHECK(needs_gate(policy_of(config, spec_of("empty")).value()));
}

TEST_CASE("egress policy: those of the config are checked before a VM needs them") {
  config::Config config;
  CHECK(check_policies(config));
  config.default_egress = "ci";
  auto unknown = check_policies(config);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().message == "default_egress: the config has no egress policy 'ci'");
  config.egress_policies["ci"] = {"example.org"};
  CHECK(check_policies(config));
  config.egress_policies["other"] = {"http://x"};
  auto wrong = check_policies(config);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.starts_with("[egress.other] of the config: "));
}
