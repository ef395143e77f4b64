// The guest's wall clock, as the host reads and moves it.
#pragma once

#include <cstdint>

namespace banger::roles::agent {

/// Unix time in nanoseconds.
std::int64_t clock_unix_ns();

}  // namespace banger::roles::agent
