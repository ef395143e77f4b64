#include "roles/agent/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "roles/agent/bounds.h"

namespace banger::roles::agent {

LogFile::LogFile(const std::string& path)
    : file_(path.empty() ? -1 : ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)),
      logger_(file_ ? file_.get() : STDERR_FILENO) {}

const Logger& LogFile::operator()() {
  struct stat info{};
  if (file_ && ::fstat(file_.get(), &info) == 0 && info.st_size > static_cast<off_t>(limits::kAgentLogBytes)) {
    // Appending continues at the new end. A failure only leaves a longer log.
    [[maybe_unused]] int ignored = ::ftruncate(file_.get(), 0);
    logger_.info("log.restarted");
  }
  return logger_;
}

}  // namespace banger::roles::agent
