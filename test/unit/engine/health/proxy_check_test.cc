// Doctor's line about the host's proxy.
#include "engine/health/proxy_check.h"

#include "catch.h"

using namespace banger;
using namespace banger::engine;

namespace {

constexpr auto kPass = capabilities::CheckStatus::pass, kWarn = capabilities::CheckStatus::warn;

capabilities::Check check(const http::ProxySettings& settings) {
  config::Config config;
  config.proxy = config::ProxyChoice::host;
  auto found = proxy_check(config, settings);
  REQUIRE(found);
  return *found;
}

}  // namespace

TEST_CASE("proxy check: it says which proxy guests use, without its password") {
  CHECK(!proxy_check({}, {.https = "http://proxy.corp:81"}));
  CHECK(check({.https = "http://proxy.corp:81"}).detail == "guests use http://proxy.corp:81 for https");
  auto found = check({.https = "http://me:secret@proxy.corp:81", .http = "localhost"});
  CHECK(found.status == kPass);
  CHECK(found.detail ==
        "guests use http://proxy.corp:81 for https, http://localhost:80 for http; those with the user network use "
        "none, because they would learn its password");
}

TEST_CASE("proxy check: a daemon without a proxy in its environment is a warning with the way out") {
  CHECK(check({}).status == kWarn);
  CHECK(check({}).hint.find("banger daemon stop") != std::string::npos);
  auto found = check({.https = "socks5://me:secret@proxy.corp:81"});
  CHECK(found.status == kWarn);
  CHECK(found.detail.find("secret") == std::string::npos);
}
