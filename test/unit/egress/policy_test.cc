// Whole policies: what they allow, their JSON, their text, their limits, and their speed with many rules.
#include "egress/policy.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "catch.h"
#include "egress/bounds.h"

using namespace banger;
using namespace banger::egress;
using Catch::Matchers::Contains;

namespace {

Ipv4 at(const char* text) { return *net::parse_ipv4(text); }

Policy make(const char* egress, const std::vector<std::string>& rules = {}) {
  auto policy = Policy::make(egress, rules);
  REQUIRE(policy);
  return *policy;
}

}  // namespace

TEST_CASE("policy: open is the internet, but not the networks around the host") {
  Policy policy;
  CHECK(policy.is_open());
  CHECK(policy.allows_name("example.org"));
  CHECK(policy.allows("example.org", 25));
  CHECK(policy.ports_of("example.org") == Ports(kAnyPort));
  CHECK(policy.allows_address(at("93.184.216.34"), 443));
  CHECK(policy.names_address(at("93.184.216.34")));
  for (const char* text : {"10.0.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.64.0.1", "224.0.0.1"}) {
    INFO(text);
    CHECK_FALSE(policy.allows_address(at(text), 443));
    CHECK_FALSE(policy.names_address(at(text)));
  }
}

TEST_CASE("policy: open with rules reaches what the rules name, too") {
  auto policy = make("open", {"192.168.1.0/24:22", "169.254.169.254"});
  CHECK(policy.allows_address(at("192.168.1.1"), 22));
  CHECK_FALSE(policy.allows_address(at("192.168.1.1"), 80));
  CHECK(policy.names_address(at("192.168.1.1")));
  CHECK(policy.allows_address(at("169.254.169.254"), 80));
  CHECK(policy.allows_address(at("93.184.216.34"), 80));
}

TEST_CASE("policy: none is nothing but its rules") {
  auto nothing = make("none");
  CHECK_FALSE(nothing.allows_name("example.org"));
  CHECK_FALSE(nothing.allows_address(at("93.184.216.34"), 443));
  CHECK(nothing.open_addresses().empty());
  auto policy = make("none", {"example.org:443", "*.example.net", "93.184.216.34:22"});
  CHECK(policy.allows("EXAMPLE.org.", 443));
  CHECK_FALSE(policy.allows("example.org", 80));
  CHECK(policy.allows_name("example.org"));
  CHECK(policy.allows("a.b.example.net", 1));
  CHECK_FALSE(policy.allows_name("example.net"));
  CHECK(policy.allows_address(at("93.184.216.34"), 22));
  CHECK_FALSE(policy.allows_address(at("93.184.216.34"), 443));
}

TEST_CASE("policy: what is no host name is never allowed") {
  for (const auto& policy : {make("open"), make("none", {"*.org"})})
    for (const char* text : {"", ".", "a..org", "a b.org", "10.0.0.1", "127.1", "[::1]"}) {
      INFO(text);
      CHECK_FALSE(policy.allows_name(text));
      CHECK_FALSE(policy.allows(text, 443));
      CHECK(policy.ports_of(text).empty());
    }
}

TEST_CASE("policy: this host's addresses are closed, and not part of the value") {
  auto policy = make("open");
  policy.set_host_addresses({at("93.184.216.34")});
  CHECK_FALSE(policy.allows_address(at("93.184.216.34"), 443));
  CHECK(policy.is_of_host(at("93.184.216.34")));
  CHECK(policy == make("open"));
  CHECK(to_json(policy) == to_json(make("open")));
}

TEST_CASE("policy: the text is for people") {
  CHECK(to_text(make("open")) == "open");
  CHECK(to_text(make("none")) == "none");
  CHECK(to_text(make("open", {"192.168.0.0/16"})) == "open, also 192.168.0.0/16");
  CHECK(to_text(make("none", {"Example.org:443", "10.0.0.0/8"})) == "none, except example.org:443, 10.0.0.0/8");
  CHECK(to_text(make("ci", {"*.example.org"})) == "ci: *.example.org");
}

TEST_CASE("policy: JSON goes both ways") {
  for (const auto& policy : {make("open"), make("none"), make("ci", {"example.org:1-9", "*.b.org", "10.0.0.0/8:22"})}) {
    auto again = policy_from_json(to_json(policy));
    REQUIRE(again);
    CHECK(*again == policy);
  }
  CHECK(policy_from_json(Json::object()) == Policy());
  CHECK(make("none", {"a.org", "b.org"}) != make("none", {"a.org"}));
  CHECK(make("none") != make("open"));
}

TEST_CASE("policy: wrong JSON is refused") {
  for (const char* text : {"[]", "3", R"({"egress": 3})", R"({"allow": "a"})", R"({"allow": [3]})", R"({"deny": []})",
                           R"({"egress": "Open"})", R"({"allow": ["a:0"]})"}) {
    INFO(text);
    auto policy = policy_from_json(Json::parse(text));
    REQUIRE_FALSE(policy);
    CHECK(policy.error().code == ErrorCode::invalid);
  }
}

TEST_CASE("policy: a rule that is there twice is kept once") {
  CHECK(make("none", {"a.org", "A.org.", "b.org", "a.org:1-65535"}).rules().size() == 2);
}

TEST_CASE("policy: a wrong word or rule is a sentence with a way out") {
  for (const auto* egress : {"", "Open", "my policy", "-x", "a.b"}) {
    INFO(egress);
    auto policy = Policy::make(egress, {});
    REQUIRE_FALSE(policy);
    CHECK_THAT(policy.error().hint, Contains("open, none"));
  }
  CHECK_FALSE(Policy::make(std::string(64, 'a'), {}));
  CHECK_THAT(Policy::make("none", {"a.org", "*"}).error().sentence(), Contains("egress rule: '*'") && Contains("hint"));
}

TEST_CASE("policy: ten thousand rules of each kind are looked up at once, more are too many") {
  std::vector<std::string> rules;
  for (int i = 0; i < 5000; ++i) {
    rules.push_back(fmt::format("host-{}.example.org", i));
    rules.push_back(fmt::format("*.zone-{}.example.net", i));
    rules.push_back(fmt::format("93.{}.{}.0/24:443", i / 256, i % 256));
  }
  auto policy = make("none", rules);
  CHECK(policy.allows("host-4999.example.org", 443));
  CHECK(policy.allows("a.b.zone-4999.example.net", 443));
  CHECK_FALSE(policy.allows_name("host-5000.example.org"));
  CHECK(policy.allows_address(at("93.19.135.255"), 443));
  CHECK_FALSE(policy.allows_address(at("93.19.136.0"), 443));
  CHECK(policy.open_addresses() ==
        std::vector<OpenAddresses>{{at("93.0.0.0"), at("93.19.135.255"), PortRange{443, 443}}});
  rules.resize(limits::kEgressRules + 1, "a.org");
  auto refused = Policy::make("none", rules);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::exhausted);
}
