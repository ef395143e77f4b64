// Bounds on bundles, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

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

}  // namespace banger::limits
