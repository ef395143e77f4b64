// Names of files in a VM's directory that the engine makes itself. All of them, with their roles: disks.h.
#pragma once

#include <string_view>

namespace banger::engine {

/// The guest config of one boot, as an archive. It holds the guest's secrets.
inline constexpr std::string_view kGuestArchive = "guest.cpio";

}  // namespace banger::engine
