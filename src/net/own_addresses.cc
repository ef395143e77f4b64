#include "net/own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

#include "net/bounds.h"

namespace banger::net {

Result<std::vector<Ipv4>> own_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) < 0) return fail_errno("list this host's addresses");
  std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, ::freeifaddrs);
  std::vector<Ipv4> found;
  for (const auto* at = list; at; at = at->ifa_next) {
    if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET) continue;
    auto address = ntohl(reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr);
    if (address >> 24 != IN_LOOPBACKNET) found.push_back(address);
  }
  std::ranges::sort(found);
  found.erase(std::ranges::unique(found).begin(), found.end());
  if (found.size() > limits::kOwnAddresses) found.resize(limits::kOwnAddresses);
  return found;
}

}  // namespace banger::net
