// Answers to DNS queries (RFC 1035, 2308, 6891, 8482): addresses for names below `.vm`, NXDOMAIN for every other name.
// No query is ever forwarded to another server. Pure: bytes in, bytes out. Any bytes are safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "host/endpoint.h"

namespace banger::net {

/// Returns the address of a host. `label` is the one label before `.vm`, in lower case: "web" for web.vm.
using AddressOf = std::function<std::optional<host::Ipv4>(std::string_view label)>;

/// The size that every client accepts over UDP. No answer is larger, so none is ever truncated.
inline constexpr std::size_t kDnsAnswerBytes = 512;

/// Replaces the content of `answer` with the answer. Empty when the bytes deserve no answer: less than a header, or
/// themselves an answer. The name is repeated as written, in upper or lower case. The time to live is zero, because
/// names come, go and change with their VMs.
void answer_dns(std::string_view query, const AddressOf& address_of, std::string& answer);

}  // namespace banger::net
