#include "base/log.h"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

namespace banger {

namespace {

constexpr std::pair<std::string_view, LogLevel> kLevels[] = {
    {"debug", LogLevel::debug}, {"info", LogLevel::info}, {"warn", LogLevel::warn}, {"error", LogLevel::error}};

std::string_view name_of(LogLevel level) { return kLevels[static_cast<int>(level)].first; }

std::string timestamp() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1'000'000);
}

std::string quoted(std::string_view value) {
  if (!value.empty() && value.find_first_of(" \"=\n\r\t\\") == value.npos) return printable(value, 4096);
  std::string text = "\"";
  for (char c : printable(value, 4096)) {
    if (c == '"') text += '\\';
    text += c;
  }
  return text + "\"";
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view name) {
  for (auto [text, level] : kLevels)
    if (text == name) return level;
  return fail(ErrorCode::invalid, fmt::format("'{}' is not a log level", printable(name)),
              "use debug, info, warn or error");
}

void Logger::log(LogLevel level, std::string_view event, LogFields fields) const {
  if (level < level_) return;
  std::string line = fmt::format("{} {} {}", timestamp(), name_of(level), event);
  for (const auto& [key, value] : fields) line += fmt::format(" {}={}", key, quoted(value));
  line += '\n';
  // A full disk or a closed log must not end the process.
  [[maybe_unused]] auto ignored = ::write(fd_, line.data(), line.size());
}

}  // namespace banger
