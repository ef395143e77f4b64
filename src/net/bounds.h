// Bounds on input from the host's network, each with its reason. Bounds on all other input are in base/bounds.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace banger::limits {

inline constexpr std::uint32_t kTaps = 4096;  ///< highest number of a tap; a bridge has at most 1024 ports
inline constexpr auto kNftDeadline =
    std::chrono::seconds(10);  ///< one run of nft takes 5 ms; with Kubernetes' rules to list, a second
inline constexpr std::size_t kNftOutputBytes = std::size_t{32}
                                               << 20;  ///< the host's ruleset as JSON; large ones have some MiB

}  // namespace banger::limits
