// Answers to DNS queries (RFC 1035, 2308, 6891, 8482): the addresses of names below `.vm`, NXDOMAIN for every other
// name; nothing is ever asked of another server. Pure: bytes in, bytes out, any bytes are safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/endpoint.h"

namespace banger::net {

/// The address of a host by the one label it has before `.vm`, in lower case: "web" for web.vm.
using AddressOf = std::function<std::optional<host::Ipv4>(std::string_view label)>;

/// What any client takes over UDP. No answer of ours is larger, so none is ever truncated.
inline constexpr std::size_t kDnsAnswerBytes = 512;

/// Puts the answer into `answer`, replacing what is there; empty when the bytes deserve none (less than a header, or
/// themselves an answer). The name is repeated as it was written, in upper or lower case. Lives are zero seconds long:
/// names come, go and change with their VMs.
void answer_dns(std::string_view query, const AddressOf& address_of, std::string& answer);

}  // namespace banger::net
