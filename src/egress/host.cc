#include "egress/host.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/letters.h"
#include "base/text.h"
#include "egress/bounds.h"

namespace banger::egress {

namespace {

bool is_name_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

// inet_aton(3) and the URL standard of WHATWG read a text as an address when its last label is such a number.
bool is_number(std::string_view label) {
  if (label.empty()) return false;
  if (label.starts_with("0x")) return std::ranges::all_of(label.substr(2), is_hex);
  return std::ranges::all_of(label, is_digit);
}

bool are_labels(std::string_view name) {
  return std::ranges::all_of(split(name, '.'), [](std::string_view label) {
    return !label.empty() && label.size() <= limits::kDnsTextLabelBytes && std::ranges::all_of(label, is_name_letter);
  });
}

bool ends_in_number(std::string_view name) {
  auto dot = name.rfind('.');
  return is_number(dot == name.npos ? name : name.substr(dot + 1));
}

}  // namespace

std::optional<std::string> host_name(std::string_view text) {
  if (text.size() > limits::kDnsTextBytes + 1) return std::nullopt;
  auto name = lower(text);
  if (name.ends_with('.')) name.pop_back();
  if (name.size() > limits::kDnsTextBytes || !are_labels(name) || ends_in_number(name)) return std::nullopt;
  return name;
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return text.find('\0') == text.npos && ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

Host read_host(std::string_view text) {
  if (text.size() > limits::kDnsTextBytes + 1) return {};
  if (text.starts_with('[') && text.ends_with(']'))
    return {.kind = is_ipv6(text.substr(1, text.size() - 2)) ? HostKind::address : HostKind::invalid};
  if (is_ipv6(text)) return {.kind = HostKind::address};
  if (auto address = net::parse_ipv4(text)) return {.kind = HostKind::address, .address = *address};
  if (auto name = host_name(text)) return {.kind = HostKind::name, .name = *std::move(name)};
  auto small = lower(text);
  if (small.ends_with('.')) small.pop_back();
  return {.kind = are_labels(small) && ends_in_number(small) ? HostKind::address : HostKind::invalid};
}

}  // namespace banger::egress
