// Taps: the host's end of a VM's network device. Taps are named by number and are ports of the bridge. Needs
// CAP_NET_ADMIN, except that the owner may attach to an existing tap.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/addresses.h"

namespace banger::net {

struct Tap {
  std::uint32_t number = 0;  ///< 1 to limits::kTaps
  uid_t owner = 0;           ///< the user who may attach to the tap later without privileges
  std::string bridge;
};

/// Makes the tap or takes the existing one, and attaches to it. Frames pass through the descriptor, with virtio
/// headers. The tap is marked, becomes a port of the bridge, goes up, and is made persistent as the last step. So a
/// crash leaves a complete tap or none. `busy` while another process is attached.
Result<UniqueFd> make_tap(const Tap& tap);

/// Removes the tap. Succeeds when there is none. `busy` while a machine is attached, `exists` when another program made
/// the link.
Result<> remove_tap(std::uint32_t number);

/// The numbers of banger's taps on this host.
Result<std::vector<std::uint32_t>> list_taps();

}  // namespace banger::net
