// What bridge networking needs of this host, and what can prevent it from working, for `banger doctor`.
#pragma once

#include <vector>

#include "capabilities/bridge/device.h"

namespace banger::capabilities {

struct BridgeUse {
  std::size_t vms, idle_taps;
};

Task<std::vector<Check>> check_bridge_host(const ResourceHost& host, const BridgeDevice& device, BridgeUse use);

}  // namespace banger::capabilities
