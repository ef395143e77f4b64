#include "roles/cli/times.h"

#include <time.h>

#include <algorithm>

#include "base/text.h"

namespace banger::roles::cli {

std::string age_of(std::int64_t unix_seconds) {
  if (unix_seconds <= 0) return "";
  auto seconds = std::max<std::int64_t>(::time(nullptr) - unix_seconds, 0);
  return seconds == 0 ? "0s" : format_duration(std::chrono::seconds(seconds));
}

std::string time_of(std::int64_t unix_seconds) {
  if (unix_seconds <= 0) return "";
  time_t when = unix_seconds;
  tm parts{};
  if (!::gmtime_r(&when, &parts)) return "";
  char text[64];
  return std::string(text, ::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts));
}

}  // namespace banger::roles::cli
