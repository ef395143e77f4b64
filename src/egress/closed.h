// Addresses that guests do not reach unless a rule names them: networks around the host, and what is no host of the
// internet. Pure. Sources: RFC 6890 with the registry of IANA, and the manuals of the clouds for their metadata.
#pragma once

#include <span>
#include <string_view>

#include "net/ipv4.h"

namespace banger::egress {

struct ClosedRange {
  net::Range range;
  std::string_view what;  ///< "a private network"; completes "… is in …"
  bool reachable;         ///< a rule may name it; false where no packet to one host can go
};

/// Sorted and disjoint.
std::span<const ClosedRange> closed_ranges();

/// Null for an address of the internet.
const ClosedRange* closed_range_of(net::Ipv4 address);

}  // namespace banger::egress
