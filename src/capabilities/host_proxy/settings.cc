#include "capabilities/host_proxy/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "capabilities/bounds.h"
#include "http/address.h"
#include "net/addresses.h"

namespace banger::capabilities {

namespace {

// NO_PROXY must not hide the proxy itself. No entry of it matches this name, as nothing is excepted here.
Result<std::optional<http::Proxy>> proxy_of(std::string https, std::string http, const char* scheme) {
  http::Url anywhere{.scheme = scheme, .host = "proxy.invalid"};
  return http::proxy_for({.https = std::move(https), .http = std::move(http), .no_proxy = ""}, anywhere);
}

void set_both(Variables& variables, const char* small, const char* large, const std::string& value) {
  variables[small] = value;
  variables[large] = value;
}

// Guests must start, whatever stands in the host's variable.
std::string exceptions(const std::string& of_host, const std::string& of_guest) {
  bool plain = of_host.size() <= limits::kNoProxyBytes &&
               std::ranges::all_of(of_host, [](unsigned char c) { return c >= ' ' && c < 0x7f; });
  return of_host.empty() || !plain ? of_guest : fmt::format("{},{}", of_host, of_guest);
}

Variables variables(const std::string& tunnels, const std::string& requests, const std::string& excepted) {
  Variables result;
  if (!requests.empty()) set_both(result, "http_proxy", "HTTP_PROXY", requests);
  if (!tunnels.empty()) set_both(result, "https_proxy", "HTTPS_PROXY", tunnels);
  if (!result.empty()) set_both(result, "no_proxy", "NO_PROXY", excepted);
  return result;
}

std::string excepted_in(const http::ProxySettings& settings, const std::string& network) {
  return exceptions(settings.no_proxy, "localhost,127.0.0.1,.vm," + network);
}

}  // namespace

bool HostProxies::has_password() const {
  return (tunnels && !tunnels->authorization.empty()) || (requests && !requests->authorization.empty());
}

Result<HostProxies> host_proxies(const http::ProxySettings& settings) {
  return HostProxies{.tunnels = TRY(proxy_of(settings.https, settings.http, "https")),
                     .requests = TRY(proxy_of(settings.https, settings.http, "http"))};
}

std::string to_text(const http::Proxy& proxy) {
  bool is_v6 = proxy.host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", is_v6 ? "[" : "", proxy.host, is_v6 ? "]" : "", proxy.port);
}

Variables variables_for_relay(const http::ProxySettings& settings, const std::string& relay, const net::Range& range) {
  auto proxies = host_proxies(settings);
  if (!proxies) return {};
  auto url = "http://" + relay;
  return variables(proxies->tunnels ? url : "", proxies->requests ? url : "", excepted_in(settings, range.text()));
}

Variables variables_for_user_network(const http::ProxySettings& settings) {
  auto proxies = host_proxies(settings);
  if (!proxies || proxies->has_password()) return {};
  auto url = [](const std::optional<http::Proxy>& proxy) {
    if (!proxy) return std::string();
    auto seen = *proxy;
    if (http::known_reach(seen.host) == http::Reach::loopback) seen.host = net::kUserGateway;
    return to_text(seen);
  };
  return variables(url(proxies->tunnels), url(proxies->requests), excepted_in(settings, net::kUserNetwork));
}

}  // namespace banger::capabilities
