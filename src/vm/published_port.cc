#include "vm/published_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "guestcfg/checks.h"
#include "vm/bounds.h"

namespace banger::vm {

namespace {

constexpr std::string_view kUsualAddress = "127.0.0.1";

std::optional<std::uint16_t> number_of(std::string_view text) {
  std::uint16_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<PublishedPort> parse_published_port(std::string_view text) {
  auto wrong =
      fail(ErrorCode::invalid, fmt::format("'{}' is not HOSTPORT:PORT or ADDRESS:HOSTPORT:PORT", printable(text, 64)),
           "write it like 8080:80; port 0 of the host is any free port");
  auto parts = split(text, ':');
  if (parts.size() == 2) parts.insert(parts.begin(), kUsualAddress);
  if (parts.size() != 3 || !guestcfg::check_ip(parts[0])) return wrong;
  auto host = number_of(parts[1]), guest = number_of(parts[2]);
  if (!host || !guest || *guest == 0) return wrong;
  return PublishedPort{.address = std::string(parts[0]), .host = *host, .guest = *guest};
}

std::string to_string(const PublishedPort& port) {
  return fmt::format("{}:{}:{}", port.address, port.host, port.guest);
}

Result<> check_published(const std::vector<PublishedPort>& ports) {
  if (ports.size() > limits::kPublishedPorts)
    return fail(ErrorCode::invalid, fmt::format("{} published ports are too many for a VM", ports.size()),
                fmt::format("give at most {}", limits::kPublishedPorts));
  for (auto one = ports.begin(); one != ports.end(); ++one) {
    auto same = [&](const PublishedPort& other) {
      return one->host != 0 && other.host == one->host && other.address == one->address;
    };
    if (std::any_of(ports.begin(), one, same))
      return fail(ErrorCode::invalid, fmt::format("the host's port {}:{} is published twice", one->address, one->host));
  }
  return {};
}

}  // namespace banger::vm
