// The variables for proxies, as curl and Docker read them.
#include "http/proxy.h"

#include <map>

#include "catch.h"

using namespace banger;

namespace {

http::Environment environment(std::map<std::string, std::string> values) {
  return [values](const std::string& name) -> std::optional<std::string> {
    auto it = values.find(name);
    return it == values.end() ? std::nullopt : std::optional(it->second);
  };
}

/// "host:port authorization" of the proxy for the URL, "none", or the error's message.
std::string proxy(const http::ProxySettings& settings, std::string_view url) {
  auto found = http::proxy_for(settings, http::parse_url(url).value());
  if (!found) return found.error().message;
  if (!*found) return "none";
  return (*found)->host + ":" + std::to_string((*found)->port) + " " + (*found)->authorization;
}

std::string except(std::string no_proxy, std::string_view url) {
  return proxy({.https = "http://p:1", .http = "http://p:1", .no_proxy = std::move(no_proxy)}, url);
}

}  // namespace

TEST_CASE("proxy: each scheme has its variable, in upper or lower case") {
  auto settings = http::proxy_settings(environment({{"https_proxy", "http://a:1"},
                                                    {"HTTP_PROXY", "b:2"},
                                                    {"http_proxy", "c:3"},
                                                    {"NO_PROXY", ""},
                                                    {"no_proxy", "x"}}));
  CHECK(settings.https == "http://a:1");
  CHECK(settings.http == "b:2");
  CHECK(settings.no_proxy == "x");
  CHECK(proxy(settings, "https://h/") == "a:1 ");
  CHECK(proxy(settings, "http://h/") == "b:2 ");
  CHECK(proxy({}, "https://h/") == "none");
}

TEST_CASE("proxy: credentials become a header, and are never in an error") {
  CHECK(proxy({.https = "http://user:p%40ss@proxy:3128/"}, "https://h/") == "proxy:3128 Basic dXNlcjpwQHNz");
  CHECK(proxy({.https = "u:50%@proxy"}, "https://h/") == "proxy:80 Basic dTo1MCU=");
  CHECK(proxy({.https = "socks5://u:secret@p:1"}, "https://h/") == "a proxy of the kind socks5:// is not supported");
  CHECK(proxy({.https = "http://u:secret@p:port"}, "https://h/").find("secret") == std::string::npos);
}

TEST_CASE("proxy: NO_PROXY names hosts, domains, addresses and networks") {
  for (auto* list : {"*", "h.example", "H.Example", "example", ".example", "*.example", "x, h.example", "x h.example",
                     "h.example:443"})
    CHECK(except(list, "https://h.example/") == "none");
  for (auto* list : {"", "g.example", "ample", ".h.example", "h.example:444", "10.0.0.0/8", ","})
    CHECK(except(list, "https://h.example/") == "p:1 ");
  for (auto* list : {"10.1.2.3", "10.0.0.0/8", "10.1.2.3:443"}) CHECK(except(list, "https://10.1.2.3/") == "none");
  for (auto* list : {"10.1.2.4", "11.0.0.0/8", "10.0.0.0/x", "10.0.0.0/999", "::/0"})
    CHECK(except(list, "https://10.1.2.3/") == "p:1 ");
  for (auto* list : {"fd00::1", "[fd00::1]", "[fd00::1]:443", "fd00::/8"})
    CHECK(except(list, "https://[fd00::1]/") == "none");
}

TEST_CASE("proxy: this host is always reached directly") {
  for (auto* url : {"http://localhost:5000/", "https://127.0.0.1/", "https://[::1]/"}) CHECK(except("", url) == "none");
}
