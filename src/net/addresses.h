// Addresses that are derived from a VM's number. Pure: the same number always gives the same addresses, so nothing has
// to be stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/ipv4.h"

namespace banger::net {

/// 52:54:00 (locally administered, the prefix virtual machines use) and the number's low 24 bits: "52:54:00:00:01:2c".
std::string mac_address(std::uint32_t vm_number);

/// The address where the host listens for a VM's forwarded ports: 127.64.0.0/10 plus 22 bits of the number,
/// "127.64.1.44". All users of a host share its loopback, so each user's numbers begin at a different place. The range
/// is above the addresses 127.0.0.x that people use themselves, and never contains 127.255.255.255.
std::string loopback_address(std::uint32_t vm_number, std::uint32_t uid);

/// The MAC on the bridge: 52:54 and the guest's IPv4 address, "52:54:ac:10:00:05" for 172.16.0.5. The same address
/// always has the same MAC, so a cached ARP entry is always right.
std::string bridge_mac(Ipv4 address);

/// "bg-3". The name of a tap is never anything but the prefix and a number.
inline constexpr std::string_view kTapPrefix = "bg-";
std::string tap_name(std::uint32_t number);
/// 0 when `name` is not the name of a tap.
std::uint32_t tap_number(std::string_view name);

/// Link-local addresses (RFC 3927). Clouds serve their machines' credentials here, so guests do not reach it by
/// default.
inline constexpr const char* kLinkLocal = "169.254.0.0/16";
/// Networks of houses, companies and carriers (RFC 1918, RFC 6598), whose hosts trust whom they can reach.
inline constexpr const char* kLanRanges[] = {"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16"};

// The VMM's user-mode network is the same in every VM.
inline constexpr const char* kUserNetwork = "10.0.2.0/24";
inline constexpr const char* kUserGuest = "10.0.2.15/24";
inline constexpr const char* kUserGateway = "10.0.2.2";
inline constexpr const char* kUserResolver = "10.0.2.3";

}  // namespace banger::net
