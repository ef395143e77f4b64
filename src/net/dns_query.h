// A question to a DNS server (RFC 1035), for the IPv4 address of one name. Any bytes of the server are safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/runtime.h"
#include "net/dns_message.h"

namespace banger::net {

/// A query for the name's A record. The labels of `name` have 63 bytes at most.
std::string dns_question(std::string_view name, std::uint16_t id);
/// The first address in the answer to the query with this id.
std::optional<host::Ipv4> address_in_answer(std::string_view answer, std::uint16_t id);

/// Asks once over UDP. nullopt: no server, no such name, or no answer by the deadline.
Task<std::optional<host::Ipv4>> ask_dns(host::Runtime& runtime, host::Endpoint server, std::string name,
                                        host::Deadline deadline);

}  // namespace banger::net
