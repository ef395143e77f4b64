#include "roles/daemon/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "host/files.h"
#include "roles/daemon/bounds.h"

namespace banger::roles::daemon {

Result<UniqueFd> take_instance_lock(const std::string& path) {
  auto fd = TRY(host::open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK) return fail_errno(path);
    auto pid = host::read_file(path, limits::kLockFileBytes);
    return fail(ErrorCode::exists,
                fmt::format("another daemon is running (pid {})", pid ? printable(trim(*pid)) : "unknown"),
                "banger daemon stop");
  }
  // The number is only for people, so a full disk is no reason to end. An old number keeps its block for the new one.
  auto text = fmt::format("{}\n", ::getpid());
  auto size = static_cast<off_t>(text.size());
  bool written = ::pwrite(fd.get(), text.data(), text.size(), 0) == size && ::ftruncate(fd.get(), size) == 0;
  if (!written && errno != ENOSPC && errno != EDQUOT) return fail_errno(path);
  return fd;
}

}  // namespace banger::roles::daemon
