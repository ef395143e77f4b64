#include "http/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace banger::http {

namespace {

constexpr std::size_t kV4At = 12;  // where a mapped IPv4 address begins

struct Range {
  std::uint32_t first;
  int bits;
};
// Everything that is not global unicast, after RFC 6890; 100.64/10 is shared by customers of one provider.
constexpr Range kLocalV4[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0xa9fe0000, 16}, {0xac100000, 12},
                              {0xc0000000, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xe0000000, 3}};

bool is_in(std::uint32_t address, const Range& range) { return (address ^ range.first) >> (32 - range.bits) == 0; }

std::uint32_t v4_at(const Address& address, std::size_t at) {
  std::uint32_t number = 0;
  for (auto i = at; i < at + 4; ++i) number = number << 8 | address.bytes[i];
  return number;
}

Reach reach_of_v4(std::uint32_t address) {
  if (is_in(address, {0x7f000000, 8})) return Reach::loopback;
  auto local = std::ranges::any_of(kLocalV4, [&](const Range& range) { return is_in(address, range); });
  return local ? Reach::local : Reach::global;
}

bool begins(const Address& address, std::initializer_list<std::uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.bytes.begin());
}

}  // namespace

bool is_v4(const Address& address) { return begins(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}); }

std::optional<Address> parse_address(std::string_view text) {
  Address address;
  std::string copy(text.substr(0, INET6_ADDRSTRLEN));
  if (copy.find('\0') != copy.npos) return {};
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  address = {};
  address.bytes[10] = address.bytes[11] = 0xff;
  if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data() + kV4At) == 1) return address;
  return {};
}

std::string to_string(const Address& address) {
  char text[INET6_ADDRSTRLEN];
  bool v4 = is_v4(address);
  return ::inet_ntop(v4 ? AF_INET : AF_INET6, address.bytes.data() + (v4 ? kV4At : 0), text, sizeof text);
}

Reach reach_of(const Address& address) {
  if (is_v4(address)) return reach_of_v4(v4_at(address, kV4At));
  if (begins(address, {0, 0x64, 0xff, 0x9b})) return reach_of_v4(v4_at(address, kV4At));  // NAT64: RFC 6052, RFC 8215
  if (begins(address, {0x20, 0x02})) return reach_of_v4(v4_at(address, 2));               // 6to4: RFC 3056
  Address loopback;
  loopback.bytes[15] = 1;
  if (address == loopback) return Reach::loopback;
  // 2000::/3 is all that IANA gives out as global unicast.
  return (address.bytes[0] & 0xe0) == 0x20 ? Reach::global : Reach::local;
}

bool is_localhost(std::string_view host) { return host == "localhost" || host.ends_with(".localhost"); }

std::optional<Reach> known_reach(std::string_view host) {
  if (is_localhost(host)) return Reach::loopback;
  auto address = parse_address(host);
  return address ? std::optional(reach_of(*address)) : std::nullopt;
}

}  // namespace banger::http
