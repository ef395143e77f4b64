// Bounds on the files that tell how to build an image, each with its reason. Bounds that several folders share are in
// base/bounds.h.
#pragma once

#include <cstddef>

#include "base/bounds.h"

namespace banger::limits {

inline constexpr std::size_t kContainerfileBytes = 1 * kMiB;  ///< the longest real ones have some 10 KiB
inline constexpr std::size_t kBaseImages = 64;                ///< of one build; each of them is pulled
inline constexpr std::size_t kArguments = 1000;               ///< ARGs before the first FROM; real files have some ten
inline constexpr std::size_t kArgumentBytes = 32 * kKiB;      ///< of an ARG's value; each can have others several times
inline constexpr std::size_t kIgnoreFileBytes = 256 * kKiB;   ///< real ones have 1 KiB
inline constexpr std::size_t kIgnorePatterns = 2000;          ///< each is matched with each path of the context
inline constexpr std::size_t kIgnorePatternBytes = 1 * kKiB;  ///< matching takes this much for each byte of a path

}  // namespace banger::limits
