// Bounds on images and kernels, and on the tools that make them, each with its reason. Bounds that several folders
// share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- files that are read
inline constexpr std::size_t kKernelImageBytes = 512 * kMiB;  ///< an unpacked vmlinux
inline constexpr std::size_t kModuleBytes = 64 * kMiB;     ///< one unpacked kernel module; the largest ones have 10 MiB
inline constexpr std::uint64_t kPackageBytes = 4 * kGiB;   ///< content of one Debian package that is unpacked
inline constexpr std::size_t kManifestBytes = 1 * kMiB;    ///< manifest.json of a kernel or an image
inline constexpr std::size_t kAptSourcesBytes = 1 * kMiB;  ///< one file of apt sources
inline constexpr std::size_t kDecompressStepBytes = 1 * kMiB;  ///< least growth of a buffer for unpacked data
inline constexpr std::uint64_t kXzMemoryBytes = 256 * kMiB;    ///< the largest preset's dictionary is 64 MiB
inline constexpr int kRecipeBases = 4;  ///< recipes that extend each other, so that reading a circle of them ends

inline constexpr std::size_t kHashReadBytes = 256 * kKiB;  ///< between two looks for a caller that left

// -- the host's tools
inline constexpr std::size_t kToolOutputBytes = 4 * kMiB;  ///< part of apt's or mmdebstrap's output that is kept
inline constexpr auto kToolTick = 200ms;                   ///< between two reports of progress
inline constexpr auto kToolEndGrace = 10s;           ///< after SIGTERM, mmdebstrap unmounts and removes its chroot
inline constexpr auto kAptQueryDeadline = 60s;       ///< apt-cache and the like: no network
inline constexpr auto kAptUpdateDeadline = 300s;     ///< package lists of a whole suite over a slow line
inline constexpr auto kAptDownloadDeadline = 1800s;  ///< a kernel package (30 MiB) over a very slow line
inline constexpr auto kDepmodDeadline = 2min;        ///< depmod takes a second for all modules of a kernel

// -- building images
/// Free space to start a build with; debian-bookworm-dev fills 1 GiB.
inline constexpr std::uint64_t kBuildDirectoryBytes = 2 * kGiB;
inline constexpr auto kImageBuildDeadline = 3600s;  ///< a build takes a minute or a few; one that takes an hour hangs
inline constexpr auto kGuestImageDeadline = 4h;     ///< the largest root file system, from a guest under emulation
inline constexpr std::uint64_t kRoomLookBytes = 1 * kMiB;  ///< written between two looks at the room of the host's disk
/// Least size of a work seed. From here on, the resize inode can reach terabytes.
inline constexpr std::uint64_t kSeedBytes = 256 * kMiB;
inline constexpr std::uint64_t kSeedSpareBytes = 64 * kMiB;  ///< of a larger one, for a VM whose disk has just its size
inline constexpr std::size_t kLeftOutNames = 100;            ///< of an image that lacks files; a reader needs no more
inline constexpr std::size_t kLeftOutTextBytes = 1 * kKiB;   ///< of such a name or reason; all must fit into an answer
inline constexpr std::size_t kParallelSyncs = 8;             ///< of files; they share the file system's commits

}  // namespace banger::limits
