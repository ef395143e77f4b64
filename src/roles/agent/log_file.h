// The agent's log: a file in the run directory that starts over when it is full. If the file cannot be written, stderr.
// The run directory is memory, so the bound is small.
#pragma once

#include <string>

#include "base/log.h"
#include "base/unique_fd.h"

namespace banger::roles::agent {

class LogFile {
 public:
  /// An empty path logs to stderr.
  explicit LogFile(const std::string& path);

  /// Makes room in the file and returns the logger. The agent logs failures and changes, not requests, so this need not
  /// be fast.
  const Logger& operator()();
  /// The logger without making room, for code that rarely logs.
  const Logger& unbounded() const { return logger_; }

 private:
  UniqueFd file_;
  Logger logger_;
};

}  // namespace banger::roles::agent
