// DNS messages on a TCP connection: two bytes of length before each (RFC 1035, 4.2.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/tcp.h"

namespace banger::net {

/// Reads until `bytes` has a whole message at offset 2, and returns the message's size. nullopt: the connection has
/// ended, was quiet for limits::kDnsTcpIdle, or sends more than limits::kDnsMessageBytes.
Task<std::optional<std::size_t>> read_dns_message(TcpStream& stream, std::string& bytes);

/// The message with its length before it. REQUIRES: it has less than 64 KiB.
std::string framed_dns_message(std::string_view message);

}  // namespace banger::net
