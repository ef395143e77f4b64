// Bounds on what a jailed Firecracker may take, each with its reason; those of all other input are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace banger::limits {

inline constexpr std::size_t kJailFiles = 32;                              ///< of each kind; a VM has a handful
inline constexpr std::uint32_t kJailVcpus = 32;                            ///< what Firecracker gives at most
inline constexpr std::uint64_t kJailMemoryBytes = std::uint64_t{1} << 46;  ///< of a guest: more than any host has
inline constexpr std::uint64_t kVmmMemoryBytes =
    std::uint64_t{128} << 20;  ///< of Firecracker itself beside its guest's; it takes 5 MiB and buffers
inline constexpr std::uint32_t kVmmTasks = 16;  ///< threads beside the guest's processors; it has two
inline constexpr auto kJailUpDeadline =
    std::chrono::seconds(15);  ///< the jailer takes 10 ms, on a busy host with many mounts far longer
inline constexpr auto kJailEndDeadline = std::chrono::seconds(5);  ///< killed → gone; memory of some GiB takes a second

}  // namespace banger::limits
