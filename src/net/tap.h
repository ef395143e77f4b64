// Taps: the host's end of a VM's network device, named by number, ports of the bridge. Needs CAP_NET_ADMIN, but for
// what the kernel lets the owner do: attach to one that is there.
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
  uid_t owner = 0;           ///< who may attach to it later without any privilege
  std::string bridge;
};

/// Makes it or takes the one there is, and attaches to it: frames come through the descriptor, with virtio headers. It
/// is marked, a port of the bridge, up, and only at last made to outlive the descriptor, so that a crash leaves a whole
/// one or none. `busy` while somebody else is attached.
Result<UniqueFd> make_tap(const Tap& tap);

/// Takes it away; fine when there is none. `busy` while a machine is attached, `exists` when a link of that name is not
/// ours.
Result<> remove_tap(std::uint32_t number);

/// Numbers of those that are there and ours.
Result<std::vector<std::uint32_t>> list_taps();

}  // namespace banger::net
