// Bounds on file systems that are written, each with its reason. Bounds that several folders share are in
// base/bounds.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::uint64_t kRootfsBytes = 64 * kGiB;  ///< content of one root file system
/// Names, links and attributes of one archive, kept in memory.
inline constexpr std::size_t kArchiveMetadataBytes = 2 * kGiB;
/// A smaller one has no room for journal and inode table.
inline constexpr std::uint64_t kMinFileSystemBytes = 8 * kMiB;
inline constexpr std::uint64_t kWriteProgressBytes = 4 * kMiB;  ///< content between two reports of progress
/// Of replaced files, before the host gets them back: 256 MiB, which is little beside an image.
inline constexpr std::uint64_t kFreedBlocks = 65'536;
inline constexpr std::uint64_t kUnpackedBytes = 32 * kGiB;  ///< of one image's layers; the largest known have 25 GiB
inline constexpr int kMaxSymlinks = 40;                     ///< followed in one path; MAXSYMLINKS of Linux

/// Decompressed beside each other; each holds kDecodedAheadBytes, and more gain nothing on two cores.
inline constexpr std::size_t kLayersAtOnce = 3;
/// Components of symlinks that the entries of one image go through. A real image has a few for each entry.
inline constexpr std::uint64_t kSymlinkSteps = 10'000'000;

}  // namespace banger::limits
