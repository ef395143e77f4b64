// Bounds of src/egress, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/bounds.h"

namespace banger::limits {

// -- policies
inline constexpr std::size_t kEgressRules = 16384;     ///< of one policy; the longest lists of hosts that people keep
inline constexpr std::size_t kEgressRuleBytes = 300;   ///< a name has 253 bytes, and two ports have twelve
inline constexpr std::size_t kDnsTextBytes = 253;      ///< of a DNS name as text (RFC 1035, section 2.3.4)
inline constexpr std::size_t kDnsTextLabelBytes = 63;  ///< of one label of a DNS name (RFC 1035, section 2.3.4)
inline constexpr std::size_t kEgressNameBytes = 63;    ///< of a policy's name, as for other names of banger

}  // namespace banger::limits
