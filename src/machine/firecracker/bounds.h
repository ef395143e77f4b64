// Bounds on a jailed Firecracker, each with its reason. Bounds on all other input are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace banger::limits {

inline constexpr std::size_t kJailFiles = 32;    ///< files of each kind in a jail; a VM has a handful
inline constexpr std::uint32_t kJailVcpus = 32;  ///< Firecracker's own maximum
inline constexpr std::uint64_t kJailMemoryBytes = std::uint64_t{1} << 46;  ///< memory of a guest; no host has more
inline constexpr std::uint64_t kVmmMemoryBytes =
    std::uint64_t{128} << 20;  ///< memory of Firecracker itself, in addition to its guest's; it uses 5 MiB and buffers
inline constexpr std::uint32_t kVmmTasks = 16;  ///< threads in addition to the guest's processors; Firecracker has two
inline constexpr auto kJailUpDeadline =
    std::chrono::seconds(15);  ///< the jailer needs 10 ms, but far longer on a busy host with many mounts
/// from the kill to the end; freeing some GiB of memory takes a second
inline constexpr auto kJailEndDeadline = std::chrono::seconds(5);

}  // namespace banger::limits
