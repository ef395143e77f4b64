#include "engine/health/proxy_check.h"

#include <fmt/format.h>

#include "base/text.h"
#include "capabilities/host_proxy/settings.h"

namespace banger::engine {

namespace {

using capabilities::CheckStatus;

constexpr const char* kAgain = "then banger daemon stop; the next command starts a daemon with its own environment";

std::string text_of(const capabilities::HostProxies& proxies) {
  std::vector<std::string> texts;
  if (proxies.tunnels) texts.push_back(fmt::format("{} for https", capabilities::to_text(*proxies.tunnels)));
  if (proxies.requests) texts.push_back(fmt::format("{} for http", capabilities::to_text(*proxies.requests)));
  return join(texts, ", ");
}

}  // namespace

std::optional<capabilities::Check> proxy_check(const config::Config& config, const http::ProxySettings& settings) {
  if (config.proxy != config::ProxyChoice::host) return std::nullopt;
  auto proxies = capabilities::host_proxies(settings);
  if (!proxies)
    return capabilities::Check{"proxy", CheckStatus::warn, fmt::format("guests use none: {}", proxies.error().message),
                               proxies.error().hint};
  if (proxies->empty())
    return capabilities::Check{
        "proxy", CheckStatus::warn,
        "guests use none: this daemon was started without HTTPS_PROXY and HTTP_PROXY in its environment",
        fmt::format("set them, {}", kAgain)};
  if (proxies->has_password())
    return capabilities::Check{
        "proxy", CheckStatus::pass,
        fmt::format("guests use {}; those with the user network use none, because they would learn its password",
                    text_of(*proxies)),
        ""};
  return capabilities::Check{"proxy", CheckStatus::pass, fmt::format("guests use {}", text_of(*proxies)), ""};
}

}  // namespace banger::engine
