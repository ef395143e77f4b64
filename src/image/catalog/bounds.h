// Bounds on bundles and catalogs, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kBundleManifestBytes = 1 * kMiB;    ///< a kernel has 20 modules, and an image one file
inline constexpr std::uint64_t kBundleMemberBytes = 128 * kGiB;  ///< a root file system of 64 GiB with spare room
inline constexpr std::uint64_t kBundleBytes = 130 * kGiB;        ///< all members: one of the largest, with small ones
inline constexpr std::size_t kBundleMembers = 1000;              ///< early modules of a kernel; real ones have 30
inline constexpr std::size_t kBundleHoleBytes = 64 * kKiB;       ///< zeros that become a hole; smaller ones cost time
inline constexpr std::size_t kCompressBufferBytes = 1 * kMiB;    ///< few system calls

inline constexpr std::size_t kCatalogBytes = 1 * kMiB;    ///< an entry has 0.5 KiB
inline constexpr std::size_t kCatalogEntries = 1000;      ///< a list that people read
inline constexpr std::size_t kCatalogSources = 8;         ///< of one entry; each may be waited for
inline constexpr std::size_t kDescriptionBytes = 200;     ///< one line of a table
inline constexpr std::size_t kSourceBytes = 2 * kKiB;     ///< a URL or a reference; real ones have 0.2 KiB
inline constexpr std::size_t kSignatureBytes = 1 * kKiB;  ///< an Ed25519 signature has 64 bytes
inline constexpr auto kCatalogDeadline = 1min;            ///< for some KiB, with all attempts

}  // namespace banger::limits
