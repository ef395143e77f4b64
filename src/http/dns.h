// Questions to the host's name servers, with the library c-ares.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"
#include "http/address.h"
#include "http/patience.h"
#include "http/resolver.h"

namespace banger::http {

/// IPv4 and IPv6 addresses of the name, from the servers and search domains of the host's resolv.conf(5).
/// Errors are those of resolve().
Task<Result<std::vector<Address>>> ask_dns(host::Runtime& runtime, ResolverFiles files, std::string host,
                                           Patience patience);

}  // namespace banger::http
