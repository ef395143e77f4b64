#include "machine/log_bound.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "host/files.h"
#include "machine/bounds.h"
#include "machine/files.h"

namespace banger::machine {

namespace {

constexpr off_t kPage = 4096;
constexpr std::uint64_t kBlock = 512;  // the unit of st_blocks on every file system

}  // namespace

Result<bool> bound_log(const std::string& path) {
  // A VMM may have made this file, so the call follows no link and waits for no pipe.
  auto log = host::open_file(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!log && log.error().code == ErrorCode::not_found) return false;
  if (!log) return std::unexpected(std::move(log).error());
  struct stat info{};
  if (::fstat(log->get(), &info) < 0) return fail_errno(path);
  if (!S_ISREG(info.st_mode) || static_cast<std::uint64_t>(info.st_blocks) * kBlock <= limits::kLogBytes) return false;
  auto end = (info.st_size - static_cast<off_t>(limits::kLogKeptBytes)) / kPage * kPage;
  if (end <= 0) return false;
  if (::fallocate(log->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, end) == 0) return true;
  if (errno != EOPNOTSUPP) return fail_errno(path);
  if (::ftruncate(log->get(), 0) < 0) return fail_errno(path);
  return true;
}

void bound_logs(const std::string& directory) {
  for (auto name : {kConsoleLog, kMachineLogName, kFirecrackerLog})
    (void)bound_log(fmt::format("{}/{}", directory, name));
}

off_t first_text(int log, off_t from) {
  off_t data = ::lseek(log, from, SEEK_DATA);
  if (data < 0 && errno == ENXIO) return ::lseek(log, 0, SEEK_END);
  return std::max(data, from);
}

}  // namespace banger::machine
