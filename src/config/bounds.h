// Bounds on configuration files, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kConfigFileBytes = 1 * kMiB;  ///< one config file; real ones are below 10 KiB
inline constexpr std::size_t kTomlBytes = 1 * kMiB;   ///< one document; toml++ needs stack for each level of its tables
inline constexpr std::size_t kTomlDepth = 64;         ///< levels of a document; a guest config has 4
inline constexpr std::size_t kConfigListItems = 256;  ///< of a key that has a list; real lists have a few
inline constexpr std::size_t kHostSettingBytes = 64;  ///< of a time zone's or a locale's name; the longest have 32
inline constexpr std::size_t kFileSyncEntries = 64;   ///< each costs every start a request; real configs have a few
inline constexpr unsigned kSyncedFileMode = 0600;     ///< most of these files are secrets
inline constexpr std::uint64_t kMaxImageBytes = 32 * kGiB;  ///< default; the largest known images unpack to 25 GiB
inline constexpr auto kAgentReadyDeadline = 120s;           ///< cold boot under software emulation on a busy host

// -- sizes of a VM whose creator gives none
inline constexpr std::uint32_t kLeastDefaultVcpus = 1;                 ///< on a host with few processors
inline constexpr std::uint32_t kMostDefaultVcpus = 4;                  ///< more rarely help one developer's VM
inline constexpr std::uint64_t kLeastDefaultMemoryBytes = 512 * kMiB;  ///< a distribution with systemd runs well in it
inline constexpr std::uint64_t kMostDefaultMemoryBytes = 8 * kGiB;     ///< several VMs still fit on a large host
inline constexpr std::uint64_t kDefaultDiskBytes = 8 * kGiB;           ///< the file is sparse and grows with use

}  // namespace banger::limits
