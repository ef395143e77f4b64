// Rules as users write them, and a way out of every mistake.
#include "egress/rule.h"

#include "catch.h"

using namespace banger;
using namespace banger::egress;
using Catch::Matchers::Contains;

namespace {

struct Good {
  const char *text, *canonical;
  RuleKind kind;
};
constexpr Good kGood[] = {
    {"example.org", "example.org", RuleKind::name},
    {"Example.ORG.", "example.org", RuleKind::name},
    {"example.org:443", "example.org:443", RuleKind::name},
    {"example.org:1-65535", "example.org", RuleKind::name},
    {"example.org:8000-8100", "example.org:8000-8100", RuleKind::name},
    {"*.example.org", "*.example.org", RuleKind::below},
    {"*.org:443", "*.org:443", RuleKind::below},
    {"*.Example.org.:80", "*.example.org:80", RuleKind::below},
    {"web", "web", RuleKind::name},
    {"10.0.0.5", "10.0.0.5", RuleKind::range},
    {"10.0.0.5/32", "10.0.0.5", RuleKind::range},
    {"10.0.0.0/8", "10.0.0.0/8", RuleKind::range},
    {"10.0.0.0/8:22", "10.0.0.0/8:22", RuleKind::range},
    {"169.254.169.254:80", "169.254.169.254:80", RuleKind::range},
    {"0.0.0.0/0", "0.0.0.0/0", RuleKind::range},
};

struct Bad {
  const char *text, *message, *hint;
};
constexpr Bad kBad[] = {
    {"", "is not a host name", "example.org"},
    {"*", "every name", "open"},
    {"*.", "is not a host name", "example.org"},
    {"a.*.org", "'*' that is not at its beginning", "*.example.org"},
    {"*.*.org", "'*' that is not at its beginning", "*.example.org"},
    {"*example.org", "'*' that is not at its beginning", "*.example.org"},
    {"*.10.0.0.1", "mixes a name with an address", "four decimal numbers"},
    {"127.1", "mixes a name with an address", "four decimal numbers"},
    {"0x7f000001", "mixes a name with an address", "four decimal numbers"},
    {"https://example.org/", "is a URL", "only the host"},
    {"example.org/path", "is not an address or a range", "path"},
    {"10.0.0.0/33", "is not an address or a range", "10.0.0.0/8"},
    {"10.0.0.0/08", "is not an address or a range", "10.0.0.0/8"},
    {"10.0.0.0/", "is not an address or a range", "10.0.0.0/8"},
    {"10.1.2.3/8", "does not begin at the first address", "write 10.0.0.0/8"},
    {"127.0.0.1", "loopback", "address that the host has"},
    {"127.0.0.0/8", "loopback", "address that the host has"},
    {"224.0.0.1", "multicast", "address that the host has"},
    {"255.255.255.255", "reserved", "address that the host has"},
    {"0.0.0.0", "this network", "address that the host has"},
    {"example.org:", "no valid port", "1 to 65535"},
    {"example.org:0", "no valid port", "1 to 65535"},
    {"example.org:65536", "no valid port", "1 to 65535"},
    {"example.org:9-1", "no valid port", "8000-8100"},
    {"example.org:http", "no valid port", "1 to 65535"},
    {"a:1:2", "is not HOST or HOST:PORT", "example.org:443"},
    {"[zz]:1", "is not HOST or HOST:PORT", "example.org:443"},
    {"[::1", "is not HOST or HOST:PORT", "example.org:443"},
    {"b\xc3\xbc"
     "cher.example",
     "letters that DNS does not have", "xn--"},
    {"a b.org", "is not a host name", "example.org"},
    {"a..org", "is not a host name", "example.org"},
};

}  // namespace

TEST_CASE("rule: each form is read, and written the shortest way") {
  for (const auto& [text, canonical, kind] : kGood) {
    INFO(text);
    auto rule = parse_rule(text);
    REQUIRE(rule);
    CHECK(rule->kind == kind);
    CHECK(to_text(*rule) == canonical);
    CHECK(parse_rule(canonical) == *rule);
  }
}

TEST_CASE("rule: a mistake gets a sentence with a way out") {
  for (const auto& [text, message, hint] : kBad) {
    INFO(text);
    auto rule = parse_rule(text);
    REQUIRE_FALSE(rule);
    CHECK(rule.error().code == ErrorCode::invalid);
    CHECK_THAT(rule.error().message, Contains(message));
    CHECK_THAT(rule.error().hint, Contains(hint));
  }
}

TEST_CASE("rule: IPv6 is understood, then refused, because VMs do not have it") {
  for (const char* text : {"[::1]", "[2001:db8::1]:443", "[2001:db8::/32]", "[2001:db8::]/32", "[2001:db8::]/32:80-90",
                           "2001:db8::1", "2001:db8::/32", "::"}) {
    INFO(text);
    auto rule = parse_rule(text);
    REQUIRE_FALSE(rule);
    CHECK(rule.error().code == ErrorCode::unsupported);
    CHECK_THAT(rule.error().message, Contains("only IPv4"));
    CHECK_FALSE(rule.error().hint.empty());
  }
  for (const char* text : {"[2001:db8::/129]", "[2001:db8::]x", "[::1]:0", "[::1]:1:2"}) {
    INFO(text);
    CHECK(parse_rule(text).error().code == ErrorCode::invalid);
  }
}

TEST_CASE("rule: a long text is refused without being repeated") {
  auto rule = parse_rule(std::string(100000, 'a'));
  REQUIRE_FALSE(rule);
  CHECK(rule.error().message.size() < 200);
  std::string label(61, 'a'), longest = label + "." + label + "." + label + "." + label + ":10000-20000";
  CHECK(parse_rule("*." + longest));
}
