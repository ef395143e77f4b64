// Bounds on archives and trees, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kArchiveEntries = 4'000'000;  ///< entries in one root file system
/// Extended attributes of one archive entry; ext4 holds less.
inline constexpr std::size_t kEntryXattrBytes = 64 * kKiB;
inline constexpr std::size_t kTreeDepth = 256;  ///< nested directories packed or copied; each holds a descriptor
inline constexpr std::size_t kArchivePaddingBytes = 64 * kMiB;  ///< after the end marker; a longer rest is not padding

// -- buffers
inline constexpr std::size_t kTarReadBytes = 1 * kMiB;       ///< few system calls, and the buffer stays in cache
inline constexpr std::size_t kPackWriteBytes = 64 * kKiB;    ///< one write(2), and one frame of a link
inline constexpr std::size_t kCopyBufferBytes = 256 * kKiB;  ///< content of files; few system calls

}  // namespace banger::limits
