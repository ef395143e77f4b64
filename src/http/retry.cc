#include "http/retry.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"
#include "http/bounds.h"

namespace banger::http {

namespace {

// The first form is the only one that servers should write; clients must read all three.
constexpr const char* kDateForms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};

std::optional<std::time_t> parse_date(const std::string& text) {
  for (auto* form : kDateForms) {
    tm parts{};
    const char* end = ::strptime(text.c_str(), form, &parts);
    if (end && end == text.c_str() + text.size()) return ::timegm(&parts);
  }
  return std::nullopt;
}

}  // namespace

bool is_transient(int status) {
  constexpr std::array kStatuses{408, 429, 500, 502, 503, 504};
  return std::ranges::find(kStatuses, status) != kStatuses.end();
}

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 5> kMethods{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

std::optional<std::chrono::milliseconds> parse_retry_after(const std::string& value,
                                                           std::chrono::system_clock::time_point now) {
  // A pause of more than some years is a mistake, and would not fit into the types of clocks.
  constexpr std::int64_t kMostSeconds = 1'000'000'000;
  auto text = std::string(trim(value));
  std::int64_t seconds = 0;
  bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (digits) {
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{}) seconds = kMostSeconds;
  } else {
    auto date = parse_date(text);
    if (!date) return std::nullopt;
    seconds = *date - std::chrono::system_clock::to_time_t(now);
  }
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kMostSeconds));
}

std::chrono::milliseconds pause_after(int attempts, double random) {
  std::chrono::milliseconds pause = limits::kRetryPause;
  for (int i = 1; i < attempts && pause < limits::kRetryPauseMost; ++i) pause *= 2;
  pause = std::min<std::chrono::milliseconds>(pause, limits::kRetryPauseMost);
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(pause.count()) * (1 - random / 2)));
}

}  // namespace banger::http
