// When a request is sent again, and after which pause. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace banger::http {

/// 408, 429, 500, 502, 503 and 504: the same request may succeed later.
bool is_transient(int status);

/// Whether a method may be sent twice with the effect of once (RFC 9110, section 9.2.2).
bool is_idempotent(std::string_view method);

/// The pause that a Retry-After header asks for: seconds, or a date in one of the three forms of RFC 9110,
/// section 5.6.7. Zero for a date that has passed. Nothing for any other text.
std::optional<std::chrono::milliseconds> parse_retry_after(const std::string& value,
                                                           std::chrono::system_clock::time_point now);

/// The pause after this many attempts (at least 1): doubled each time, and shortened at random to half at most. The
/// clients of a server that restarts then do not return all at once. 0 <= random < 1.
std::chrono::milliseconds pause_after(int attempts, double random);

}  // namespace banger::http
