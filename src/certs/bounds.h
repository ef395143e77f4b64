// Bounds of src/certs, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kAuthorityNames = 1024;      ///< of one root; a VM's secrets have some dozens of hosts
inline constexpr std::size_t kCommonNameBytes = 64;       ///< RFC 5280, appendix A.1 (ub-common-name)
inline constexpr std::size_t kKeyPemBytes = 4 * kKiB;     ///< a P-256 key has 0.25 KiB
inline constexpr std::size_t kTrustedAuthorities = 4096;  ///< hosts have some 150
inline constexpr std::chrono::days kRootLife{3650};       ///< longer than any VM
inline constexpr std::chrono::days kLeafLife{7};          ///< a guest's clock may be some days late after a resume
inline constexpr std::chrono::days kBackdated{1};         ///< the same, for a guest whose clock is behind
inline constexpr std::chrono::days kLeafReuse{1};         ///< then the next connection gets a new certificate
inline constexpr std::size_t kLeafs = 1024;               ///< kept for further connections, 2 KiB each

/// Bytes that a TLS session has for its peer, beyond those of a call. A peer that asks for answers and reads none would
/// let them grow.
inline constexpr std::size_t kTlsUnsentBytes = 256 * kKiB;

}  // namespace banger::limits
