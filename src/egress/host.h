// Names and addresses of hosts as guests and users write them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/ipv4.h"

namespace banger::egress {

using net::Ipv4;

/// The canonical form of a host name: lower case, without the dot at its end. Labels have 1 to 63 letters, digits, `-`
/// and `_`; the whole has 253 at most (RFC 1035). Names in other scripts have this form too, as `xn--…` (RFC 5890).
/// Nothing for any other text, and for a text whose last label is a number, because programs read it as an address.
std::optional<std::string> host_name(std::string_view text);

/// What a text in the place of a host is.
enum class HostKind {
  name,
  address,  ///< IPv4 or IPv6, with or without brackets, also in the old forms such as 127.1 and 0x7f000001
  invalid,
};

struct Host {
  HostKind kind = HostKind::invalid;
  std::string name = {};             ///< canonical; only of a name
  std::optional<Ipv4> address = {};  ///< only of an IPv4 address that is written as four decimal numbers
  friend bool operator==(const Host&, const Host&) = default;
};
Host read_host(std::string_view text);

/// Whether the text is an IPv6 address (RFC 4291), without brackets or a zone.
bool is_ipv6(std::string_view text);

}  // namespace banger::egress
