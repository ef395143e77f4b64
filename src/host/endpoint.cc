#include "host/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

#include "base/text.h"

namespace banger::host {

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  in_addr address{};
  if (text.find('\0') != text.npos || ::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1)
    return std::nullopt;
  return ntohl(address.s_addr);
}

std::string ipv4_text(Ipv4 address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff, address & 0xff);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  auto colon = text.rfind(':');
  auto host = text.substr(0, colon == text.npos ? 0 : colon);
  auto digits = colon == text.npos ? std::string_view() : text.substr(colon + 1);
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  auto address = parse_ipv4(host);
  if (!address || error != std::errc{} || end != digits.data() + digits.size() || port == 0)
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an IPv4 address and a port", printable(text, 64)),
                "write it like 127.0.0.1:42069");
  return Endpoint{*address, port};
}

std::string to_string(const Endpoint& endpoint) {
  return fmt::format("{}:{}", ipv4_text(endpoint.address), endpoint.port);
}

}  // namespace banger::host
