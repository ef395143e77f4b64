// Bounds of provisioning a guest, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

// -- deadlines
/// One first-boot command; package installations under software emulation.
inline constexpr auto kRunOnceDeadline = 300s;
inline constexpr auto kDiskDeadline = 2s;    ///< a disk that the VMM has appears while its driver loads
inline constexpr auto kDiskPoll = 5ms;       ///< short beside a boot
inline constexpr auto kResizeDeadline = 1s;  ///< a running guest sees a resize within milliseconds
inline constexpr auto kResizePoll = 1ms;     ///< a clone waits for it

// -- files of an image (a guest's user may have written them)
inline constexpr std::size_t kInittabBytes = 1 * kMiB;    ///< real ones are below 4 KiB
inline constexpr std::size_t kUnitFileBytes = 1 * kMiB;   ///< a systemd unit; real ones are below 10 KiB
inline constexpr std::size_t kPasswdBytes = 4 * kMiB;     ///< of the image, with all its users
inline constexpr std::size_t kKeysFileBytes = 4 * kMiB;   ///< authorized_keys, which a user may have filled
inline constexpr std::size_t kRunListBytes = 1 * kMiB;    ///< hashes of command lists; each has 65 bytes
inline constexpr std::size_t kTrustListBytes = 4 * kMiB;  ///< CAs that a guest trusts; the largest lists have 0.6 MiB
inline constexpr int kTrustLinks = 8;                     ///< to such a list; real ones have up to three
inline constexpr int kOpenAttempts = 16;                  ///< of a path in which a rename raced with ".."

}  // namespace banger::limits
