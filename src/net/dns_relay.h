// The name server of guests: UDP and TCP on the bridge's address. It answers names below `.vm` itself (dns_message.h),
// and passes every other question to the name servers of this host, unchanged but for its number.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "net/dns_service.h"

namespace banger::net {

struct DnsRelayOptions {
  AddressOf address_of;                                  ///< for names below .vm
  std::function<std::vector<host::Endpoint>()> servers;  ///< of this host, as they are now; asked in this order
};

/// Serves until it is destroyed. Calls the options' functions on the control thread.
Result<std::unique_ptr<DnsServer>> relay_dns(host::Runtime& runtime, DnsSockets sockets, DnsRelayOptions options);

/// Whether the query is for a name below `.vm`, or for no name at all, so that answer_dns() is the answer.
bool is_answered_here(std::string_view query);

/// The IPv4 name servers of the host's resolv.conf(5), at most limits::kDnsServers. Never empty: without a file, the C
/// library asks 127.0.0.1.
std::vector<host::Endpoint> host_name_servers();

}  // namespace banger::net
