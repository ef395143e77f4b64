// The addresses a VM has by its number. Pure: the same number always gives the same ones, so nothing has to be stored.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/ipv4.h"

namespace banger::net {

/// 52:54:00 (locally administered, the prefix virtual machines use) and the number's low 24 bits: "52:54:00:00:01:2c".
std::string mac_address(std::uint32_t vm_number);

/// Where the host listens for a VM's forwarded ports: 127.64.0.0/10 and 22 bits of the number: "127.64.1.44". Each
/// user's numbers begin elsewhere, for all users of a host share its loopback. Above what people put on 127.0.0.x
/// themselves, and never 127.255.255.255.
std::string loopback_address(std::uint32_t vm_number, std::uint32_t uid);

/// On the bridge: 52:54 and the guest's address there, "52:54:ac:10:00:05" for 172.16.0.5. Whoever had the address
/// before had the same, so nobody's memory of it (ARP) is ever wrong.
std::string bridge_mac(Ipv4 address);

/// "bg-3". Nothing but a number ever becomes the name of a tap.
inline constexpr std::string_view kTapPrefix = "bg-";
std::string tap_name(std::uint32_t number);
/// 0 when it is not the name of a tap.
std::uint32_t tap_number(std::string_view name);

// The VMM's user-mode network is the same in every VM.
inline constexpr const char* kUserGuest = "10.0.2.15/24";
inline constexpr const char* kUserGateway = "10.0.2.2";
inline constexpr const char* kUserResolver = "10.0.2.3";

}  // namespace banger::net
