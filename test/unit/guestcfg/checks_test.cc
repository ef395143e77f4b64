#include "guestcfg/checks.h"

#include <string>
#include <vector>

#include "catch.h"

using namespace banger;
using namespace banger::guestcfg;

namespace {

struct Rule {
  const char* name;
  Result<> (*check)(std::string_view);
  std::vector<std::string> good, bad;
};

const std::string kLong(5000, 'a');

std::vector<Rule> rules() {
  using namespace std::string_literals;
  return {
      {"host name",
       check_host_name,
       {"web", "web-1.example", "A9", "x_y"},
       {"", "-web", "web-", "a..b", "a b", "a\n", kLong, "a/b"}},
      {"path",
       check_absolute_path,
       {"/", "/etc/x", "/a b", "/..x"},
       {"", "etc", "/../etc", "/a/../b", "/a/.", "/a\0b"s, "/a\nb", "/" + kLong}},
      {"address",
       check_ip,
       {"10.0.2.3", "::1", "fe80::1"},
       {"", "10.0.2", "10.0.2.3/24", "1.2.3.4\0"s, "localhost", "::g"}},
      {"cidr",
       check_cidr,
       {"10.0.2.15/24", "1.2.3.4/32"},
       {"", "10.0.2.15", "10.0.2.15/", "10.0.2.15/0", "10.0.2.15/33", "10.0.2.15/2x", "::1/64"}},
      {"MAC",
       check_mac,
       {"52:54:00:00:00:01"},
       {"", "52:54:00:00:00", "52:54:00:00:00:0G", "52-54-00-00-00-01", "53:54:00:00:00:01", "52:54:00:00:00:0A"}},
      {"user",
       check_user_name,
       {"root", "_apt", "www-data"},
       {"", "Root", "a b", "1a", "../x", "a:b", std::string(33, 'a')}},
      {"unit",
       check_unit_name,
       {"ssh.service", "getty@tty1.service", "dev-ttyS0.device", "a\\x2d.mount"},
       {"", "ssh", ".service", "../x.service", "a/b.service", "a b.service"}},
      {"certificate",
       check_certificate,
       {"-----BEGIN CERTIFICATE-----\nQUJD\nRA==\n-----END CERTIFICATE-----\n"},
       {"", "QUJD", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----",
        "x\n-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n# banger: end\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n-----BEGIN "
        "CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n" + std::string(200'000, 'A') + "\n-----END CERTIFICATE-----\n"}},
      {"one line", check_one_line, {"", "a b\tc"}, {"a\nb", "a\rb", "a\0b"s}},
  };
}

}  // namespace

TEST_CASE("checks: each rule accepts valid values and refuses others with a sentence") {
  for (const Rule& rule : rules()) {
    for (const auto& value : rule.good) {
      CAPTURE(rule.name, value);
      CHECK(rule.check(value));
    }
    for (const auto& value : rule.bad) {
      CAPTURE(rule.name, value);
      auto refused = rule.check(value);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == ErrorCode::invalid);
      CHECK(refused.error().message.size() > 5);
    }
  }
}

TEST_CASE("checks: hex is lower case, of the exact length, and never quoted in the error") {
  CHECK(check_hex("00ff", 4));
  for (std::string_view value : {"00f", "00FF", "00fg", "00ff0"}) {
    auto refused = check_hex(value, 4);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find(value) == std::string::npos);
  }
}
