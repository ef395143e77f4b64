#include "net/addresses.h"

#include <fmt/format.h>

#include <charconv>

#include "net/bounds.h"

namespace banger::net {

namespace {
unsigned byte_of(std::uint32_t number, unsigned index) { return number >> (8 * index) & 0xff; }
}  // namespace

std::string mac_address(std::uint32_t vm_number) {
  return fmt::format("52:54:00:{:02x}:{:02x}:{:02x}", byte_of(vm_number, 2), byte_of(vm_number, 1),
                     byte_of(vm_number, 0));
}

std::string loopback_address(std::uint32_t vm_number, std::uint32_t uid) {
  // 2^32 over the golden ratio: neighbouring uids begin half a million numbers apart.
  std::uint32_t number = vm_number + uid * 2654435769u;
  return fmt::format("127.{}.{}.{}", 64 + (byte_of(number, 2) & 63), byte_of(number, 1), byte_of(number, 0));
}

std::string bridge_mac(Ipv4 address) {
  return fmt::format("52:54:{:02x}:{:02x}:{:02x}:{:02x}", byte_of(address, 3), byte_of(address, 2), byte_of(address, 1),
                     byte_of(address, 0));
}

std::uint32_t tap_number(std::string_view name) {
  if (!name.starts_with(kTapPrefix)) return 0;
  std::uint32_t number = 0;
  auto [stop, error] = std::from_chars(name.data() + kTapPrefix.size(), name.data() + name.size(), number);
  return error == std::errc{} && stop == name.data() + name.size() && number <= limits::kTaps ? number : 0;
}

std::string tap_name(std::uint32_t number) { return fmt::format("{}{}", kTapPrefix, number); }

}  // namespace banger::net
