// What the fields of a request mean together: its host and the length of its body.
#include <algorithm>
#include <charconv>
#include <optional>

#include "base/letters.h"
#include "base/text.h"
#include "egress/http_head.h"

namespace banger::egress {

namespace {

constexpr std::uint16_t kHttpPort = 80, kHttpsPort = 443;

std::vector<std::string_view> values_of(const HttpHead& head, std::string_view small_name) {
  std::vector<std::string_view> values;
  for (const auto& field : head.fields)
    if (lower(field.name) == small_name) values.push_back(field.value);
  return values;
}

/// A host with a port or without (RFC 3986, section 3.2). A user's name is refused, because programs disagree about it.
struct Authority {
  Host host;
  std::string_view text;   ///< of the host
  std::uint16_t port = 0;  ///< 0: none was given
};
std::optional<Authority> read_authority(std::string_view text) {
  auto colon = text.rfind(':');
  if (auto bracket = text.rfind(']'); bracket != text.npos && (colon == text.npos || colon < bracket))
    colon = text.npos;
  Authority authority{.host = read_host(text.substr(0, colon)), .text = text.substr(0, colon)};
  // Without brackets, an IPv6 address and a port cannot be told apart.
  bool bare_ipv6 = text.find(':') != colon && !text.starts_with('[');
  if (authority.host.kind == HostKind::invalid || bare_ipv6) return std::nullopt;
  if (colon == text.npos) return authority;
  auto digits = text.substr(colon + 1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), authority.port);
  if (error != std::errc{} || end != digits.data() + digits.size() || authority.port == 0) return std::nullopt;
  return authority;
}

HeadFault read_host_field(HttpHead& head) {
  auto values = values_of(head, "host");
  // Python's programs ask proxies for tunnels so. There the target has the host.
  bool old_tunnel = head.method == "CONNECT" && head.minor_version == 0;
  if (values.empty()) return old_tunnel ? HeadFault::none : HeadFault::host_missing;
  if (values.size() > 1) return HeadFault::host_twice;
  auto authority = read_authority(values[0]);
  if (!authority) return HeadFault::host_invalid;
  head.host = authority->host;
  head.port = authority->port;
  return HeadFault::none;
}

/// The authority in a target "scheme://authority/path". Also reads the scheme.
std::optional<Authority> read_absolute(HttpHead& head) {
  std::string_view target = head.target;
  auto colon = target.find("://");
  if (colon == target.npos) return std::nullopt;
  head.scheme = lower(target.substr(0, colon));
  if (head.scheme != "http" && head.scheme != "https") return std::nullopt;
  auto rest = target.substr(colon + 3);
  return read_authority(rest.substr(0, rest.find_first_of("/?")));
}

// Two addresses are the same only when they are written the same.
bool same_place(const Authority& one, const Authority& other, std::uint16_t usual) {
  auto port = [&](std::uint16_t given) { return given == 0 ? usual : given; };
  return port(one.port) == port(other.port) && one.host == other.host &&
         (one.host.kind == HostKind::name || one.text == other.text);
}

// Never a fault: whether the client may switch protocols is up to the caller.
HeadFault read_upgrades(HttpHead& head) {
  for (auto value : values_of(head, "upgrade"))
    for (auto protocol : split(value, ',')) head.upgrades.push_back(lower(trim(protocol)));
  return HeadFault::none;
}

HeadFault read_target(HttpHead& head) {
  std::optional<Authority> authority;
  if (head.target.find('#') != head.target.npos) return HeadFault::target;
  if (head.method == "CONNECT") {
    head.form = TargetForm::authority;
    authority = read_authority(head.target);
    if (!authority || authority->port == 0) return HeadFault::target;
  } else if (head.target.starts_with('/')) {
    return HeadFault::none;
  } else if (head.target == "*") {
    head.form = TargetForm::asterisk;
    return head.method == "OPTIONS" ? HeadFault::none : HeadFault::target;
  } else {
    head.form = TargetForm::absolute;
    authority = read_absolute(head);
    if (!authority) return HeadFault::target;
  }
  auto hosts = values_of(head, "host");
  if (hosts.empty()) {
    head.host = authority->host;
    head.port = authority->port;
    return HeadFault::none;
  }
  auto usual = head.form == TargetForm::authority ? authority->port : head.scheme == "https" ? kHttpsPort : kHttpPort;
  auto host = read_authority(hosts[0]);
  return host && same_place(*host, *authority, usual) ? HeadFault::none : HeadFault::host_differs;
}

bool read_length(std::string_view text, std::uint64_t& length) {
  // from_chars takes no sign and no space for an unsigned number.
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  return error == std::errc{} && end == text.data() + text.size() && length <= INT64_MAX;
}

// RFC 9112, section 6.3, without its exceptions.
HeadFault read_framing(HttpHead& head) {
  auto lengths = values_of(head, "content-length"), codings = values_of(head, "transfer-encoding");
  if (!lengths.empty() && !codings.empty()) return HeadFault::both_lengths;
  if (!codings.empty()) {
    if (codings.size() > 1 || lower(codings[0]) != "chunked" || head.minor_version == 0)
      return HeadFault::transfer_encoding;
    head.framing = Framing::chunked;
  }
  if (!lengths.empty()) {
    if (lengths.size() > 1 || !read_length(lengths[0], head.content_length)) return HeadFault::content_length;
    head.framing = Framing::length;
  }
  return HeadFault::none;
}

}  // namespace

HeadFault finish_head(HttpHead& head) {
  for (auto step : {read_host_field, read_upgrades, read_target, read_framing})
    if (auto fault = step(head); fault != HeadFault::none) return fault;
  return HeadFault::none;
}

}  // namespace banger::egress
