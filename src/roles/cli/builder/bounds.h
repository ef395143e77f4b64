// Bounds on builds from a Containerfile, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::uint64_t kBuilderDiskBytes = 32 * kGiB;  ///< cache and images of builds; sparse on the host
inline constexpr std::size_t kBuilderListBytes = 4 * kMiB;     ///< ids of images in the guest; 50,000 of them
inline constexpr auto kBuilderLockPoll = std::chrono::milliseconds(200);  ///< a start or stop takes seconds
inline constexpr auto kBuilderStopDeadline = std::chrono::seconds(60);    ///< the guest has 30 s; then it is forced
inline constexpr auto kPackedPoll = 200ms;                                ///< between two reports of how much is packed
inline constexpr auto kSilentCopyPoll = std::chrono::milliseconds(100);  ///< a copy of a silent stream looks for Ctrl-C
inline constexpr int kSpoolAttempts = 16;  ///< each meets a prune within microseconds; one does nearly always

}  // namespace banger::limits
