// Times of the daemon's answers, as text for people.
#pragma once

#include <cstdint>
#include <string>

namespace banger::roles::cli {

std::string age_of(std::int64_t unix_seconds);   ///< "3m 10s", "" for 0
std::string time_of(std::int64_t unix_seconds);  ///< "2026-01-02 03:04:05 UTC", "" for 0

}  // namespace banger::roles::cli
