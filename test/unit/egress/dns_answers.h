// Answers of DNS servers, made of names and records.
#pragma once

#include <string>
#include <vector>

#include "net/dns_packet.h"
#include "net/dns_wire.h"
#include "net/ipv4.h"

namespace dns_answers {

inline std::string bytes_of(const char* address) {
  auto number = *banger::net::parse_ipv4(address);
  return dns_wire::u16(number >> 16) + dns_wire::u16(number & 0xffff);
}

struct Part {
  std::string owner;
  unsigned type = 0;
  std::string data;
  std::uint32_t ttl = 300;
  unsigned klass = 1;
};
inline Part a(const std::string& owner, const char* address, std::uint32_t ttl = 300) {
  return {owner, banger::net::kDnsA, bytes_of(address), ttl};
}
inline Part alias(const std::string& owner, const std::string& to, std::uint32_t ttl = 300) {
  return {owner, banger::net::kDnsCname, dns_wire::name(to), ttl};
}

struct About {
  std::string name;
  unsigned type = 1, klass = 1, id = 7, flags = 0x8180;
};
inline std::string answer(const About& about, const std::vector<Part>& parts) {
  using dns_wire::u16;
  auto wire = u16(about.id) + u16(about.flags) + u16(1) + u16(static_cast<unsigned>(parts.size())) + u16(0) + u16(0) +
              dns_wire::name(about.name) + u16(about.type) + u16(about.klass);
  for (const auto& part : parts)
    wire += dns_wire::name(part.owner) + u16(part.type) + u16(part.klass) + u16(part.ttl >> 16) +
            u16(part.ttl & 0xffff) + u16(static_cast<unsigned>(part.data.size())) + part.data;
  return wire;
}

}  // namespace dns_answers
