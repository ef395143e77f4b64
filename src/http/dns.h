// Questions to the host's name servers, with the library c-ares.
#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "host/runtime.h"
#include "http/address.h"
#include "http/patience.h"

namespace banger::http {

/// IPv4 and IPv6 addresses of the name, from the servers and search domains of the file `resolv_conf` (resolv.conf(5)).
/// Errors are those of resolve().
Task<Result<std::vector<Address>>> ask_dns(host::Runtime& runtime, std::string resolv_conf, std::string host,
                                           Patience patience);

}  // namespace banger::http
