#include "net/ipv4.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace banger::net {

Result<Ipv4> parse_ipv4(std::string_view text) {
  in_addr address{};
  // inet_pton reads a C string: a zero byte inside would hide the text after it.
  if (text.find('\0') != text.npos || ::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1)
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an IPv4 address", printable(text, 80)));
  return ntohl(address.s_addr);
}

std::string to_text(Ipv4 address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

namespace {
Ipv4 mask(std::uint32_t prefix) { return prefix == 0 ? 0 : ~Ipv4{0} << (32 - prefix); }
}  // namespace

Range Range::around(Ipv4 address, std::uint32_t prefix) { return {address & mask(prefix), prefix}; }

Ipv4 Range::last() const { return first | ~mask(prefix); }

std::string Range::text() const { return fmt::format("{}/{}", to_text(first), prefix); }

bool is_private(const Range& range) {
  constexpr Range kPrivate[] = {{0x0a000000, 8}, {0xac100000, 12}, {0xc0a80000, 16}};
  return std::any_of(std::begin(kPrivate), std::end(kPrivate),
                     [&](const Range& whole) { return whole.contains(range.first) && whole.contains(range.last()); });
}

std::optional<Ipv4> free_address(const Range& range, Ipv4 host, std::span<const Ipv4> taken) {
  for (Ipv4 address = range.first + 1; address < range.last(); ++address)
    if (address != host && std::find(taken.begin(), taken.end(), address) == taken.end()) return address;
  return std::nullopt;
}

}  // namespace banger::net
