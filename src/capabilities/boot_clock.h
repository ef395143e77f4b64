// The clock of a guest that boots.
#pragma once

#include <cstdint>

namespace banger::capabilities {

/// Whether the guest must set its clock. `earliest_ns` is the time that the host wrote before the power-on, and how
/// long the guest's kernel has run since. On a busy host there may be many seconds between the two, which nobody has
/// counted. A hardware clock has set the time to the second, so a clock that is later is right. Unix time.
constexpr bool is_late_at_boot(std::int64_t now_ns, std::int64_t earliest_ns) {
  constexpr std::int64_t kSlackNs = 2'000'000'000;
  return now_ns <= earliest_ns - kSlackNs;
}

}  // namespace banger::capabilities
