#include "http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/text.h"
#include "http/address.h"
#include "http/bounds.h"
#include "http/headers.h"

namespace banger::http {

namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";

std::uint16_t own_port(std::string_view scheme) { return scheme == "http" ? 80 : 443; }

std::unexpected<Error> bad(std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("the URL {}", what), "URLs look like https://host:port/path");
}

/// "https" of "https:…"; empty when the text begins with no scheme (RFC 3986, section 3.1).
std::string scheme_of(std::string_view text) {
  auto colon = text.find(':');
  if (colon == text.npos) return "";
  auto scheme = lower_case(text.substr(0, colon));
  bool letter_first = !scheme.empty() && kLetters.find(scheme[0]) != kLetters.npos;
  bool rest = std::ranges::all_of(scheme, [](char c) {
    return kLetters.find(c) != kLetters.npos || kDigits.find(c) != kDigits.npos || c == '+' || c == '-' || c == '.';
  });
  return letter_first && rest ? scheme : "";
}

bool is_label(std::string_view label) {
  auto allowed = [](char c) {
    return kLetters.find(c) != kLetters.npos || kDigits.find(c) != kDigits.npos || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= 63 && label[0] != '-' && std::ranges::all_of(label, allowed);
}

/// A name whose last label is a number is an address or nothing: "127.1" and "0x7f.1" are addresses for some programs.
bool ends_in_number(std::string_view name) {
  auto last = name.substr(name.rfind('.') + 1);
  return last.find_first_not_of(kDigits) == last.npos || last.starts_with("0x");
}

Result<std::string> parse_host(std::string_view text) {
  auto host = lower_case(text);
  if (host.starts_with('[') && host.ends_with(']')) {
    auto inner = std::string_view(host).substr(1, host.size() - 2);
    auto address = inner.find(':') != inner.npos ? parse_address(inner) : std::nullopt;
    if (!address) return bad("has no IPv6 address between its brackets");
    return to_string(*address);
  }
  if (host.ends_with('.')) host.pop_back();
  if (host.empty() || host.size() > limits::kDnsNameBytes) return bad("has no host name, or one that is too long");
  for (auto label : split(host, '.'))
    if (!is_label(label)) return bad(fmt::format("has the host name '{}', which no host can have", printable(text)));
  if (ends_in_number(host) && !parse_address(host)) return bad("has a number as its host that is no IPv4 address");
  return host;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0)
    return bad(fmt::format("has the port '{}', which is not 1 to 65535", printable(text, 20)));
  return port;
}

Result<std::string> parse_target(std::string_view text) {
  text = text.substr(0, text.find('#'));
  auto printed = [](char c) { return c > ' ' && c < 0x7f; };
  if (!std::ranges::all_of(text, printed)) return bad("has a space, a control character or a letter beyond ASCII");
  return std::string(text.starts_with('/') ? "" : "/") + std::string(text);
}

Result<> parse_authority(std::string_view text, Url& url) {
  if (text.find('@') != text.npos) return bad("has a user name or a password in it, which is not supported");
  auto port_at = text.starts_with('[') ? text.find(':', std::min(text.find(']'), text.size())) : text.find(':');
  url.host = TRY(parse_host(text.substr(0, port_at)));
  url.port = own_port(url.scheme);
  if (port_at != text.npos && port_at + 1 < text.size()) url.port = TRY(parse_port(text.substr(port_at + 1)));
  return {};
}

/// The path without its "." and ".." (RFC 3986, section 5.2.4).
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  auto parts = split(path.substr(1), '/');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    bool last = i + 1 == parts.size();
    bool dots = parts[i] == "." || parts[i] == "..";
    if (parts[i] == ".." && !kept.empty()) kept.pop_back();
    if (!dots) kept.push_back(parts[i]);
    if (dots && last) kept.emplace_back("");
  }
  std::string result;
  for (auto part : kept) result.append("/").append(part);
  return result.empty() ? "/" : result;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  if (text.size() > limits::kUrlBytes) return bad("is too long");
  Url url{.scheme = scheme_of(text)};
  if (url.scheme.empty()) return bad(fmt::format("'{}' has no scheme", printable(text)));
  if (url.scheme != "http" && url.scheme != "https")
    return fail(ErrorCode::unsupported, fmt::format("the scheme '{}:' is not supported", printable(url.scheme, 40)),
                "URLs begin with https:// or http://");
  auto rest = text.substr(url.scheme.size() + 1);
  if (!rest.starts_with("//")) return bad("has no host");
  rest.remove_prefix(2);
  auto end = std::min(rest.find_first_of("/?#"), rest.size());
  TRY(parse_authority(rest.substr(0, end), url));
  url.target = TRY(parse_target(rest.substr(end)));
  return url;
}

std::string host_and_port(const Url& url) {
  auto host = url.host.find(':') == url.host.npos ? url.host : "[" + url.host + "]";
  return url.port == own_port(url.scheme) ? host : fmt::format("{}:{}", host, url.port);
}

std::string to_string(const Url& url) { return url.scheme + "://" + host_and_port(url) + url.target; }

Result<Url> resolve(const Url& base, std::string_view location) {
  if (location.size() > limits::kUrlBytes) return bad("is too long");
  if (!scheme_of(location.substr(0, location.find_first_of("/?#"))).empty()) return parse_url(location);
  if (location.starts_with("//")) return parse_url(base.scheme + ":" + std::string(location));
  location = location.substr(0, location.find('#'));
  if (location.empty()) return base;
  auto query_at = std::min(location.find('?'), location.size());
  auto path = std::string_view(base.target).substr(0, base.target.find('?'));
  std::string whole(path);
  if (location.starts_with('/'))
    whole = location.substr(0, query_at);
  else if (query_at > 0)
    whole = std::string(path.substr(0, path.rfind('/') + 1)) + std::string(location.substr(0, query_at));
  auto url = base;
  url.target = TRY(parse_target(without_dots(whole) + std::string(location.substr(query_at))));
  if (url.target.size() > limits::kUrlBytes) return bad("is too long");
  return url;
}

bool same_origin(const Url& one, const Url& other) {
  return one.scheme == other.scheme && one.host == other.host && one.port == other.port;
}

}  // namespace banger::http
