// The addresses of a host name: /etc/hosts first, then DNS with c-ares. getaddrinfo() needs NSS, which does not work in
// a static executable.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"
#include "http/address.h"
#include "http/patience.h"

namespace banger::http {

/// The host's files, which are read for each lookup.
struct ResolverFiles {
  std::string hosts = "/etc/hosts", resolv_conf = "/etc/resolv.conf";
  std::uint16_t dns_port = 53;  ///< of all name servers
};

/// At most limits::kAddresses, in the order in which to try them. An address is its own result, and localhost is always
/// loopback. `not_found` when DNS knows no such name or no address of it, `unavailable` when no name server answers.
Task<Result<std::vector<Address>>> resolve(host::Runtime& runtime, ResolverFiles files, std::string host,
                                           Patience patience);

}  // namespace banger::http
