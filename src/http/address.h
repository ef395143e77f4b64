// IP addresses of servers, of both families, and how far they reach. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace banger::http {

/// An IPv6 address in network order. An IPv4 address is the IPv6 address that maps it (RFC 4291, section 2.5.5.2).
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(const Address&, const Address&) = default;
};

/// "127.0.0.1" or "::1", without brackets and without a zone. Nothing for any other text.
std::optional<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);
bool is_v4(const Address& address);

enum class Reach {
  loopback,  ///< this host only
  local,     ///< private, link-local or reserved: the network of this host, or the metadata of a cloud
  global,
};
/// Follows the registries of special-purpose addresses (RFC 6890). An IPv6 address that carries an IPv4 address
/// (mapped, NAT64, 6to4) reaches as far as the latter.
Reach reach_of(const Address& address);

/// Whether the name means this host, whatever DNS says: "localhost" and names below it (RFC 6761, section 6.3).
bool is_localhost(std::string_view host);

/// The reach of "localhost" or of an address. Nothing for a name that must be looked up.
std::optional<Reach> known_reach(std::string_view host);

}  // namespace banger::http
