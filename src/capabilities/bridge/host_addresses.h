// Keeps this host's own addresses closed to guests while there is a bridge. In a private network, whose way out leads
// to all of them, the firewall closes them. The gate closes them everywhere.
#pragma once

#include <vector>

#include "capabilities/bridge/device.h"
#include "capabilities/resource_host.h"

namespace banger::capabilities {

class HostAddresses {
 public:
  HostAddresses(const ResourceHost& host, const BridgeDevice& device) : host_(host), device_(device) {}

  /// Closes the addresses of now, and follows them as long as the bridge is there. May be repeated.
  Task<Result<>> close();

 private:
  Task<> follow();

  ResourceHost host_;
  const BridgeDevice& device_;
  std::vector<net::Ipv4> closed_;
  std::shared_ptr<const host::Namespaces> closed_in_;
  bool follows_ = false;
};

}  // namespace banger::capabilities
