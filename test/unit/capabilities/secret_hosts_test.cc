// Which hosts may get a secret: those that the config gives, and those that a policy must name.
#include "capabilities/secret_hosts.h"

#include "catch.h"

using namespace banger;
using capabilities::check_secret_hosts;
using capabilities::complete_secrets;

namespace {

vm::Spec spec_of(std::vector<std::string> allow, std::vector<std::string> hosts) {
  return {.network = vm::Network::bridge,
          .egress = "none",
          .allow = std::move(allow),
          .secrets = {{.name = "TOKEN", .hosts = std::move(hosts)}}};
}

bool named(std::vector<std::string> allow, const std::string& host) {
  auto checked = check_secret_hosts({}, spec_of(std::move(allow), {host}));
  if (!checked) CHECK(checked.error().message.starts_with("the egress policy does not name '" + host + "'"));
  return checked.has_value();
}

std::string refusal(const vm::Spec& spec) { return check_secret_hosts({}, spec).error().sentence(); }

}  // namespace

TEST_CASE("secret hosts: a secret without hosts has those of the config, and all hosts have their shortest form") {
  config::Config config;
  config.secrets["TOKEN"].hosts = {"B.org", "a.org."};
  auto done = complete_secrets(config, {{"TOKEN", {}}, {"OTHER", {"X.org:443", "x.org:443", "*.Y.org"}}});
  REQUIRE(done);
  CHECK(*done == std::vector<vm::Secret>{{"TOKEN", {"a.org", "b.org"}}, {"OTHER", {"*.y.org", "x.org:443"}}});
  CHECK(complete_secrets(config, {{"TOKEN", {"c.org"}}})->at(0).hosts == std::vector<std::string>{"c.org"});
  auto none = complete_secrets({}, {{"TOKEN", {}}});
  CHECK(none.error().sentence() ==
        "the secret 'TOKEN' has no hosts (hint: give --secret TOKEN@HOST, or hosts in [secrets.TOKEN] of the config)");
}

TEST_CASE("secret hosts: only names with one port can get a secret") {
  auto error = [](const char* host) { return complete_secrets({}, {{"TOKEN", {host}}}).error().sentence(); };
  for (auto host : {"10.0.0.1", "10.0.0.0/8", "93.184.216.34:443"})
    CHECK(error(host) == std::string("'") + host +
                             "' cannot get the secret 'TOKEN': it is an address, and certificates are for names (hint: "
                             "give a name, like api.example.org)");
  CHECK(error("a.org:1-2").starts_with("'a.org:1-2' cannot get the secret 'TOKEN': it has many ports"));
  CHECK(error("https://a.org").starts_with("the secret 'TOKEN': 'https://a.org' is a URL"));
  CHECK(error("*").starts_with("the secret 'TOKEN': '*' would allow every name"));
}

TEST_CASE("secret hosts: the policy must name each host on the port that gets the secret") {
  CHECK(named({"a.org"}, "a.org"));
  CHECK(named({"a.org:443"}, "a.org"));
  CHECK(named({"*.org"}, "a.org"));
  CHECK(named({"*.a.org"}, "*.a.org"));
  CHECK(named({"*.a.org"}, "*.b.a.org"));
  CHECK(named({"a.org"}, "a.org:8443"));
  CHECK(named({"b.org", "a.org:8000-9000"}, "a.org:8443"));
  CHECK_FALSE(named({}, "a.org"));
  CHECK_FALSE(named({"b.org"}, "a.org"));
  CHECK_FALSE(named({"a.org:80"}, "a.org"));
  CHECK_FALSE(named({"a.org:443"}, "a.org:8443"));
  CHECK_FALSE(named({"a.org"}, "*.a.org"));
  CHECK_FALSE(named({"*.a.org"}, "a.org"));
  CHECK_FALSE(named({"*.b.a.org"}, "*.a.org"));
  CHECK_FALSE(named({"*.a.org"}, "ba.org"));
  CHECK_FALSE(named({"0.0.0.0/0"}, "a.org"));
  CHECK(refusal(spec_of({"b.org"}, {"a.org"})).ends_with("(hint: add --allow a.org)"));
}

TEST_CASE("secret hosts: rules of the config's policy count") {
  config::Config config;
  config.egress_policies["ci"] = {"a.org"};
  auto spec = spec_of({}, {"a.org"});
  spec.egress = "ci";
  CHECK(check_secret_hosts(config, spec));
  spec.secrets[0].hosts = {"b.org"};
  CHECK_FALSE(check_secret_hosts(config, spec));
}

TEST_CASE("secret hosts: VMs whose connections the gate does not see can have no secrets") {
  auto spec = spec_of({"a.org"}, {"a.org"});
  spec.egress = "open";
  CHECK(
      refusal(spec) ==
      "a VM with the egress policy 'open' can have no secrets: it reaches hosts without the gate (hint: name the hosts "
      "that it may reach, as in --egress none --allow a.org)");
  spec.egress = "none";
  spec.nat = false;
  CHECK(refusal(spec) ==
        "a VM without nat can have no secrets: it reaches no host outside (hint: leave out --no-nat, or the secrets)");
  spec.nat = true;
  CHECK(capabilities::check_secret_network(spec));
  spec.network = vm::Network::user;
  auto refused = capabilities::check_secret_network(spec);
  CHECK(refused.error().code == ErrorCode::unsupported);
  CHECK(refused.error().message.starts_with("a VM with the user network can have no secrets"));
  spec.secrets.clear();
  CHECK(capabilities::check_secret_network(spec));
  CHECK(check_secret_hosts({}, {}));
}

TEST_CASE("secret hosts: the hosts of the config are checked when the daemon starts") {
  config::Config config;
  config.secrets["A"].hosts = {"a.org"};
  config.secrets["B"].file = "/f";
  CHECK(capabilities::check_config_secrets(config));
  config.secrets["B"].hosts = {"10.0.0.1"};
  CHECK(capabilities::check_config_secrets(config).error().message.starts_with("[secrets.B]: '10.0.0.1' cannot get"));
}
