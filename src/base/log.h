// Structured log lines to one descriptor: `2026-01-02T03:04:05.678Z info vm.start vm=web stage=boot ms=1200`. Loggers
// are passed by reference; there is no global logger.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace banger {

enum class LogLevel { debug, info, warn, error };
Result<LogLevel> parse_log_level(std::string_view name);

/// `key=value` fields. A value with spaces or control bytes is quoted.
using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Logger {
 public:
  /// Writes lines of at least `level` to `fd` (borrowed). Thread-safe: one write(2) a line.
  explicit Logger(int fd, LogLevel level = LogLevel::info) : fd_(fd), level_(level) {}

  void log(LogLevel level, std::string_view event, LogFields fields = {}) const;
  void debug(std::string_view event, LogFields fields = {}) const { log(LogLevel::debug, event, fields); }
  void info(std::string_view event, LogFields fields = {}) const { log(LogLevel::info, event, fields); }
  void warn(std::string_view event, LogFields fields = {}) const { log(LogLevel::warn, event, fields); }
  void error(std::string_view event, LogFields fields = {}) const { log(LogLevel::error, event, fields); }

 private:
  int fd_;
  LogLevel level_;
};

}  // namespace banger
