// default_egress and [egress.NAME]: what is accepted, and the sentences for what is not.
#include <fmt/format.h>

#include "catch.h"
#include "config/config.h"
#include "vm/bounds.h"

using namespace banger;
using config::parse_config;

namespace {

std::string error_of(std::string_view text) {
  auto parsed = parse_config(text, "c.toml");
  return parsed ? "" : parsed.error().sentence();
}

}  // namespace

TEST_CASE("egress: policies are read by their names, and no rule is looked at") {
  auto parsed = parse_config(R"(
default_egress = "ci"
[egress.ci]
allow = ["packages.example.org", "not a rule"]
[egress.0-nothing]
)",
                             "c.toml");
  REQUIRE(parsed);
  CHECK(parsed->default_egress == "ci");
  REQUIRE(parsed->egress_policies.size() == 2);
  CHECK(parsed->egress_policies.at("ci") == std::vector<std::string>{"packages.example.org", "not a rule"});
  CHECK(parsed->egress_policies.at("0-nothing").empty());
  CHECK(parse_config("egress.a = { allow = [] }", "c")->egress_policies.contains("a"));
  CHECK(parse_config("", "c")->default_egress == "open");
  CHECK(parse_config("", "c")->egress_policies.empty());
}

TEST_CASE("egress: names of banger's own policies, and names that no VM could have, are refused") {
  CHECK(error_of("[egress.none]\nallow = []\n") ==
        "c.toml:1: 'none' is a policy that always exists, and cannot be changed (hint: give the policy another name)");
  CHECK(error_of("[egress.open]\n").starts_with("c.toml:1: 'open' is a policy that always exists"));
  CHECK(error_of("[egress.CI]\n").starts_with("c.toml:1: 'CI' cannot name a policy: it starts with 'C'"));
  CHECK(error_of("[egress.\"a.b\"]\n").starts_with("c.toml:1: 'a.b' cannot name a policy: it holds '.'"));
}

TEST_CASE("egress: a wrong table or key is an error with its line and a way out") {
  CHECK(error_of("egress = \"none\"\n") ==
        "c.toml:1: 'egress' must be a table (hint: the policy of new VMs is default_egress; write [egress.NAME] for a "
        "list)");
  CHECK(error_of("[egress]\nallow = [\"a\"]\n") ==
        "c.toml:2: 'egress.allow' must be a table (hint: write [egress.NAME], and in it allow = [\"HOST\"])");
  CHECK(error_of("[egress.ci]\n\nalow = []\n") ==
        "c.toml:3: unknown key 'egress.ci.alow' (hint: did you mean 'egress.ci.allow'?)");
  CHECK(error_of("[egress.ci]\nmemory = \"1G\"\n") ==
        "c.toml:2: unknown key 'egress.ci.memory' (hint: put 'memory' under [vm_defaults])");
  CHECK(error_of("allow = []\n") == "c.toml:1: unknown key 'allow' (hint: put 'allow' under [egress.NAME])");
  CHECK(error_of("[egress.ci]\nallow = \"a\"\n") ==
        "c.toml:2: 'egress.ci.allow' must be a list of texts (hint: write allow = [\"one\", \"two\"])");
  CHECK(error_of("[egress.ci]\nallow = [1]\n").starts_with("c.toml:2: 'egress.ci.allow' must be a list of texts"));
  CHECK(error_of("[egress.ci]\nallow = [\"\"]\n") ==
        "c.toml:2: 'egress.ci.allow' must be a list without empty texts and zero bytes");
  CHECK(error_of("default_egress = \"\"\n") == "c.toml:1: 'default_egress' must not be empty");
}

TEST_CASE("egress: a policy may have many hosts, but not any number") {
  auto with = [](std::size_t hosts) {
    std::string list;
    for (std::size_t i = 0; i < hosts; ++i) list += "'a',";
    return error_of(fmt::format("[egress.ci]\nallow = [{}]\n", list));
  };
  CHECK(with(limits::kAllowRules) == "");
  CHECK(with(limits::kAllowRules + 1) == "c.toml:2: 'egress.ci.allow' must be a list of at most 16384 texts");
}
