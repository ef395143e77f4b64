// Taps: the host's end of a VM's network device. Taps are named by number and are ports of the bridge. Needs
// CAP_NET_ADMIN, except that the owner may attach to an existing tap.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/addresses.h"

namespace banger::net {

/// Whose tap a tap is. The mark is in the link's alias, because a host can have several daemons with taps.
struct TapMark {
  uid_t owner = 0;           ///< the daemon's user, who may attach to the tap later without privileges
  std::uint32_t daemon = 0;  ///< daemon_number() of its state directory, as one user may have several daemons
  bool operator==(const TapMark&) const = default;
};
/// The same number for the same directory.
std::uint32_t daemon_number(std::string_view state_directory);
std::string alias_of(const TapMark& mark);
/// nullopt: a link without such an alias.
std::optional<TapMark> mark_in(std::string_view alias);

struct Tap {
  std::uint32_t number = 0;  ///< 1 to limits::kTaps
  TapMark mark;
  std::string bridge;
  std::uint32_t mtu = 0;  ///< 0: limits::kEthernetMtu
};

/// Makes the tap or takes the existing one, and attaches to it. Frames pass through the descriptor, with virtio
/// headers. The tap is marked, becomes a port of the bridge, goes up, and is made persistent as the last step. So a
/// crash leaves a complete tap or none. `busy` while another process is attached, `exists` when the link is not this
/// daemon's.
Result<UniqueFd> make_tap(const Tap& tap);

/// Removes the tap. Succeeds when there is none. `busy` while a machine is attached, `exists` when another program made
/// the link or when the tap is another user's.
Result<> remove_tap(std::uint32_t number, uid_t owner);

struct ListedTap {
  std::uint32_t number = 0;
  std::optional<TapMark> mark;  ///< nullopt: made by a banger that wrote no owners
};
/// All taps of banger on this host, also those of other daemons.
Result<std::vector<ListedTap>> list_taps();

}  // namespace banger::net
