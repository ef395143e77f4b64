// The agent's log: a file in the run directory that starts over when it is full, or stderr where it cannot be written.
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

  /// The logger, after making room. The agent logs failures and changes, not requests, so this need not be fast.
  const Logger& operator()();
  /// The same without a look at the room, for what rarely says a word.
  const Logger& unbounded() const { return logger_; }

 private:
  UniqueFd file_;
  Logger logger_;
};

}  // namespace banger::roles::agent
