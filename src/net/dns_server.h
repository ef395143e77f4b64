// The DNS server: UDP and TCP on one address. All answers come from answer_dns(). A query is answered in the loop that
// reads it, without a coroutine or an allocation for each query.
#pragma once

#include <memory>

#include "host/runtime.h"
#include "net/dns_message.h"

namespace banger::net {

/// Serves until it is destroyed.
class DnsServer {
 public:
  virtual ~DnsServer() = default;
  virtual host::Endpoint endpoint() const = 0;
};

/// `address_of` is called on the control thread. `busy` when the address is in use, by UDP or TCP. Port 0 means any
/// free port.
Result<std::unique_ptr<DnsServer>> serve_dns(host::Runtime& runtime, const host::Endpoint& where, AddressOf address_of);

}  // namespace banger::net
