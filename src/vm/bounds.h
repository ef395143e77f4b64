// Bounds on a VM's spec, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kVmNameBytes = 63;              ///< a label of a host name (RFC 1123)
inline constexpr std::size_t kLabelBytes = 4 * kKiB;         ///< all labels of a VM; hundreds of VMs fit into one list
inline constexpr std::size_t kPublishedPorts = 32;           ///< of one VM; each costs a descriptor
inline constexpr std::size_t kAllowRules = 16384;            ///< of one VM, or of one policy; as in an egress policy
inline constexpr std::size_t kAllowRuleBytes = 300;          ///< a name has 253 bytes, and two ports have twelve
inline constexpr std::size_t kAllowBytes = 256 * kKiB;       ///< of one VM; quoted as JSON they fit into a message
inline constexpr std::uint32_t kLeastDiskIops = 10;          ///< with less, a guest seems to hang
inline constexpr std::uint32_t kMostDiskIops = 100'000'000;  ///< no disk is as fast
inline constexpr std::uint64_t kLeastBandwidthBytes = 64 * kKiB;   ///< a large packet, or some blocks of a disk
inline constexpr std::uint64_t kMostBandwidthBytes = kKiB * kGiB;  ///< 1 TiB; QEMU accepts little more
inline constexpr std::uint64_t kMostNetBandwidthBytes = 4 * kGiB;  ///< nftables cannot count much faster
inline constexpr std::uint32_t kLeastPids = 16;  ///< a shell with some programs, or a small runtime's threads
inline constexpr std::uint32_t kMostPids = 4 * 1024 * 1024;  ///< Linux has no more process ids
inline constexpr std::size_t kVmSecrets = 32;                ///< of one VM; programs have a few
inline constexpr std::size_t kVmSecretHosts = 32;            ///< of one secret; all of them fit into one certificate
inline constexpr std::size_t kVmSecretNameBytes = 64;        ///< of a variable's name; real ones have below 40
inline constexpr std::size_t kSecretValueBytes = 16 * kKiB;  ///< servers refuse longer headers
inline constexpr std::size_t kSecretsBytes = 32 * kKiB;      ///< names and hosts of a VM; hundreds of hosts
inline constexpr std::uint32_t kVcpusPerCpu = 4;             ///< more only wait for each other
inline constexpr std::uint64_t kMinMemoryBytes = 64 * kMiB;  ///< with less, a distribution's kernel does not boot
inline constexpr std::uint64_t kMinDiskBytes = 64 * kMiB;    ///< room for a journal and some files

}  // namespace banger::limits
