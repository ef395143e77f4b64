#include "egress/rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "egress/bounds.h"
#include "egress/closed.h"

namespace banger::egress {

namespace {

constexpr std::uint32_t kAddressBits = 32, kAddressBits6 = 128;

std::unexpected<Error> wrong(std::string_view text, std::string_view what, std::string hint) {
  return fail(ErrorCode::invalid, fmt::format("'{}' {}", printable(text, limits::kEgressRuleBytes), what),
              std::move(hint));
}

std::optional<std::uint32_t> parse_prefix(std::string_view text, std::uint32_t most) {
  std::uint32_t prefix = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), prefix);
  if (error != std::errc{} || end != text.data() + text.size() || prefix > most) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return prefix;
}

bool is_range6(std::string_view text) {
  auto slash = text.find('/');
  return is_ipv6(text.substr(0, slash)) && (slash == text.npos || parse_prefix(text.substr(slash + 1), kAddressBits6));
}

std::unexpected<Error> no_ipv6(std::string_view text) {
  return fail(ErrorCode::unsupported,
              fmt::format("'{}' is an IPv6 address, and the network of VMs has only IPv4",
                          printable(text, limits::kEgressRuleBytes)),
              "name the host, or give its IPv4 address");
}

// Everything with more than one colon, or with brackets.
std::unexpected<Error> refuse_ipv6(std::string_view text) {
  if (is_range6(text)) return no_ipv6(text);
  auto close = text.find(']');
  if (text.starts_with('[') && close != text.npos) {
    auto rest = text.substr(close + 1), inside = text.substr(1, close - 1);
    auto colon = rest.find(':');
    bool ports = colon == rest.npos || parse_ports(rest.substr(colon + 1));
    if (ports && is_range6(std::string(inside) + std::string(rest.substr(0, colon)))) return no_ipv6(text);
  }
  return wrong(text, "is not HOST or HOST:PORT", "write it like example.org:443 or 10.0.0.0/8:22");
}

Result<Rule> check_reachable(std::string_view text, Rule rule) {
  // A range around all of these stays allowed. It opens only what is open anyway.
  if (const auto* closed = closed_range_of(rule.range.first);
      closed && !closed->reachable && rule.range.prefix >= closed->range.prefix)
    return wrong(text, fmt::format("is in {}, and a guest cannot reach that", closed->what),
                 "for a service of this host, give an address that the host has on a network");
  return rule;
}

Result<Rule> parse_range(std::string_view text, std::string_view host, PortRange ports) {
  auto slash = host.find('/');
  auto address = net::parse_ipv4(host.substr(0, slash));
  auto prefix = slash == host.npos ? kAddressBits : parse_prefix(host.substr(slash + 1), kAddressBits);
  if (!address || !prefix)
    return wrong(text, "is not an address or a range of addresses",
                 "write it like 10.0.0.5 or 10.0.0.0/8; a URL's path does not belong into a rule");
  auto range = net::Range::around(*address, *prefix);
  if (range.first != *address)
    return wrong(text, "does not begin at the first address of its range", fmt::format("write {}", range.text()));
  return check_reachable(text, {.kind = RuleKind::range, .range = range, .ports = ports});
}

Result<Rule> parse_name(std::string_view text, std::string_view host, PortRange ports) {
  bool below = host.starts_with("*.");
  auto name = read_host(below ? host.substr(2) : host);
  if (host == "*") return wrong(text, "would allow every name", "use egress = \"open\" for that");
  if (host.find('*', below ? 2 : 0) != host.npos)
    return wrong(text, "has a '*' that is not at its beginning",
                 "write it like *.example.org, which means all names below example.org");
  if (name.kind == HostKind::address && !below && name.address) return parse_range(text, host, ports);
  if (name.kind == HostKind::address)
    return wrong(text, "mixes a name with an address", "write an address as four decimal numbers, like 10.0.0.5");
  if (std::ranges::any_of(host, [](char c) { return static_cast<unsigned char>(c) > '~'; }))
    return wrong(text, "has letters that DNS does not have",
                 "write the name in its ASCII form, which begins with xn--");
  if (name.kind == HostKind::invalid)
    return wrong(text, "is not a host name", "write it like example.org, with labels of at most 63 letters");
  return Rule{.kind = below ? RuleKind::below : RuleKind::name, .name = name.name, .ports = ports};
}

}  // namespace

Result<Rule> parse_rule(std::string_view text) {
  if (text.size() > limits::kEgressRuleBytes)
    return wrong(text.substr(0, limits::kDnsTextLabelBytes), "is the beginning of a rule that is too long",
                 fmt::format("a rule has at most {} bytes", limits::kEgressRuleBytes));
  if (text.find("://") != text.npos)
    return wrong(text, "is a URL", "give only the host, like example.org or example.org:443");
  auto colon = text.find(':');
  if (text.starts_with('[') || colon != text.rfind(':')) return refuse_ipv6(text);
  auto ports = colon == text.npos ? kAnyPort : parse_ports(text.substr(colon + 1));
  if (!ports) return wrong(text, "has no valid port", "a port is 1 to 65535, or a range like 8000-8100");
  auto host = text.substr(0, colon);
  return host.find('/') == host.npos ? parse_name(text, host, *ports) : parse_range(text, host, *ports);
}

std::string to_text(const Rule& rule) {
  auto host = rule.kind == RuleKind::name         ? rule.name
              : rule.kind == RuleKind::below      ? "*." + rule.name
              : rule.range.prefix == kAddressBits ? net::to_text(rule.range.first)
                                                  : rule.range.text();
  return rule.ports == kAnyPort ? host : host + ":" + to_text(rule.ports);
}

}  // namespace banger::egress
