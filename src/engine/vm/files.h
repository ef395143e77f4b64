// Names of the files in a VM's directory that the engine itself makes. disks.h lists all files with their roles.
#pragma once

#include <string_view>

namespace banger::engine {

/// The guest config of one boot, as an archive. The archive holds the guest's secrets.
inline constexpr std::string_view kGuestArchive = "guest.cpio";

}  // namespace banger::engine
