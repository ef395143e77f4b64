#include "http/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/text.h"
#include "http/address.h"
#include "http/headers.h"

namespace banger::http {

namespace {

/// "%40" is "@"; everything else stays. Passwords with such letters can stand in a URL only so.
std::string without_percent(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = text[i] == '%' ? from_hex(text.substr(i + 1, 2)) : Result<std::string>("");
    if (byte && byte->size() == 1) i += 2;
    result += byte && byte->size() == 1 ? *byte : std::string(1, text[i]);
  }
  return result;
}

bool is_in_network(const Address& address, const Address& network, unsigned bits) {
  for (unsigned i = 0; i < bits; ++i) {
    unsigned mask = 0x80u >> (i % 8);
    if ((address.bytes[i / 8] ^ network.bytes[i / 8]) & mask) return false;
  }
  return true;
}

/// "10.0.0.0/8" or "fd00::/8".
bool matches_network(const std::optional<Address>& host, std::string_view entry) {
  auto slash = entry.find('/');
  if (!host || slash == entry.npos) return false;
  auto network = parse_address(entry.substr(0, slash));
  unsigned bits = 0;
  auto [end, error] = std::from_chars(entry.data() + slash + 1, entry.data() + entry.size(), bits);
  if (!network || error != std::errc{} || end != entry.data() + entry.size()) return false;
  if (is_v4(*network)) bits += 96;
  return bits <= 128 && is_v4(*host) == is_v4(*network) && is_in_network(*host, *network, bits);
}

/// One entry of NO_PROXY: "*", a name that covers the names below it, an address or a network; also with a port.
bool matches(std::string_view entry, const Url& url) {
  if (entry == "*") return true;
  auto host = parse_address(url.host);
  if (matches_network(host, entry)) return true;
  auto colon = entry.rfind(':');
  bool has_port = colon != entry.npos && (entry.find(':') == colon || entry.find("]:") == colon - 1);
  if (has_port) {
    if (entry.substr(colon + 1) != std::to_string(url.port)) return false;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  if (auto address = parse_address(entry)) return host && *host == *address;
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) return url.host.ends_with(entry);
  return url.host == entry || url.host.ends_with("." + std::string(entry));
}

bool is_excepted(const std::string& no_proxy, const Url& url) {
  if (known_reach(url.host) == Reach::loopback) return true;
  auto list = lower_case(no_proxy);
  std::ranges::replace(list, ' ', ',');
  auto entries = split(list, ',');
  return std::ranges::any_of(entries, [&](auto entry) { return !entry.empty() && matches(entry, url); });
}

Result<Proxy> parse_proxy(std::string_view text) {
  std::string credentials, scheme = "http://";
  if (auto at = text.find("://"); at != text.npos) {
    scheme = lower_case(text.substr(0, at + 3));
    text.remove_prefix(at + 3);
  }
  if (auto at = text.rfind('@'); at != text.npos) {
    credentials = without_percent(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  if (scheme != "http://")
    return fail(ErrorCode::unsupported, fmt::format("a proxy of the kind {} is not supported", printable(scheme, 40)),
                "HTTPS_PROXY and HTTP_PROXY look like http://host:port");
  auto url = TRY(in("the proxy of HTTPS_PROXY or HTTP_PROXY", parse_url(scheme + std::string(text))));
  auto authorization = credentials.empty() ? "" : "Basic " + to_base64(credentials);
  return Proxy{.host = url.host, .port = url.port, .authorization = authorization};
}

}  // namespace

ProxySettings proxy_settings(const Environment& environment) {
  auto value = [&](const char* upper, const char* lower) {
    auto found = environment(upper);
    return std::string(trim(found && !found->empty() ? *found : environment(lower).value_or("")));
  };
  return {.https = value("HTTPS_PROXY", "https_proxy"),
          .http = value("HTTP_PROXY", "http_proxy"),
          .no_proxy = value("NO_PROXY", "no_proxy")};
}

Result<std::optional<Proxy>> proxy_for(const ProxySettings& settings, const Url& url) {
  const auto& proxy = url.scheme == "https" ? settings.https : settings.http;
  if (proxy.empty() || is_excepted(settings.no_proxy, url)) return std::nullopt;
  return TRY(parse_proxy(proxy));
}

}  // namespace banger::http
