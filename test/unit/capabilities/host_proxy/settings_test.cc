// The host's proxy as variables of guests.
#include "capabilities/host_proxy/settings.h"

#include "catch.h"

using namespace banger;
using namespace banger::capabilities;

namespace {

constexpr net::Range kRange{0xac100000, 24};
constexpr const char* kRelay = "172.16.0.1:3128";

}  // namespace

TEST_CASE("host proxy: guests on a bridge are led to the relay, and never learn the host's password") {
  auto variables = variables_for_relay(
      {.https = "http://me:secret@proxy.corp:8080", .http = "proxy.corp:81", .no_proxy = ".corp, 10.0.0.0/8"}, kRelay,
      kRange);
  for (const char* name : {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"})
    CHECK(variables[name] == "http://172.16.0.1:3128");
  for (const char* name : {"no_proxy", "NO_PROXY"})
    CHECK(variables[name] == ".corp, 10.0.0.0/8,localhost,127.0.0.1,.vm,172.16.0.0/24");
  CHECK(variables.size() == 6);
}

TEST_CASE("host proxy: only the kinds of requests that the host's proxy takes have a variable") {
  CHECK(variables_for_relay({}, kRelay, kRange).empty());
  CHECK(variables_for_relay({.no_proxy = "a.org"}, kRelay, kRange).empty());
  auto variables = variables_for_relay({.https = "http://p:1"}, kRelay, kRange);
  CHECK(variables.contains("https_proxy"));
  CHECK(!variables.contains("http_proxy"));
  CHECK(variables["no_proxy"] == "localhost,127.0.0.1,.vm,172.16.0.0/24");
  CHECK(variables_for_relay({.https = "socks5://p:1"}, kRelay, kRange).empty());
  // No text of the host's may keep guests from starting.
  variables = variables_for_relay({.http = "http://p:1", .no_proxy = "a\xff"}, kRelay, kRange);
  CHECK(variables["no_proxy"] == "localhost,127.0.0.1,.vm,172.16.0.0/24");
}

TEST_CASE("host proxy: with the user network guests use the proxy itself, and one on loopback is at the gateway") {
  auto variables = variables_for_user_network({.https = "http://localhost:3128", .http = "proxy.corp:81"});
  CHECK(variables["https_proxy"] == "http://10.0.2.2:3128");
  CHECK(variables["HTTP_PROXY"] == "http://proxy.corp:81");
  CHECK(variables["no_proxy"] == "localhost,127.0.0.1,.vm,10.0.2.0/24");
  CHECK(variables_for_user_network({.https = "http://127.0.0.1:1"})["https_proxy"] == "http://10.0.2.2:1");
  CHECK(variables_for_user_network({.https = "http://[2001:db8::1]:1"})["https_proxy"] == "http://[2001:db8::1]:1");
  CHECK(variables_for_user_network({.https = "http://me:secret@proxy.corp:81", .http = "proxy.corp:81"}).empty());
}
