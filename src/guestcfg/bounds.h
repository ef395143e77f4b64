// Bounds of a guest config, each with its reason. Bounds that several folders share are in base/bounds.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kGuestConfigBytes = 64 * kMiB;  ///< files carried in a guest config
inline constexpr std::size_t kGuestConfigItems = 4096;  ///< entries in each list of a guest config; real ones have tens
/// All variables of a guest, with their NULs. A command's own arguments need the rest of kExecBytes.
inline constexpr std::size_t kEnvironmentBytes = 128 * kKiB;
/// A line of /etc/environment. pam_env(8) reads lines into 1 KiB, and takes the rest of a longer one for another line.
inline constexpr std::size_t kEnvironmentLineBytes = 1000;

/// One certificate as PEM. One with all hosts that the secrets of a VM may have takes 70 KiB.
inline constexpr std::size_t kCertificateBytes = 128 * kKiB;

// -- the configuration of an image
/// The whole document, with the history of its layers. Real ones have below 100 KiB.
inline constexpr std::size_t kImageConfigBytes = 4 * kMiB;
/// The texts of it that VMs honour. Escaped as JSON they grow sixfold at most, and fit into a request and a manifest.
inline constexpr std::size_t kRunConfigBytes = 128 * kKiB;

// -- links
inline constexpr std::uint32_t kSmallestMtu = 68, kLargestMtu = 65'535;  ///< of IPv4 (RFC 791)

}  // namespace banger::limits
