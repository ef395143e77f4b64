#include "host/clone.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "host/bounds.h"
#include "host/files.h"

namespace banger::host {

namespace {

// The kernel does not copy by itself between file systems, and on some file systems.
bool cannot_copy_range(int error_number) {
  return error_number == EXDEV || error_number == EINVAL || error_number == EOPNOTSUPP || error_number == ENOSYS;
}

Result<> copy_by_hand(int from, int to, off_t offset, off_t end, const GoOn& go_on) {
  constexpr std::size_t kBuffer = 256 * 1024;
  auto buffer = std::make_unique_for_overwrite<char[]>(kBuffer);
  while (offset < end) {
    TRY(go_on());
    ssize_t got =
        ::pread(from, buffer.get(), std::min<std::size_t>(kBuffer, static_cast<std::size_t>(end - offset)), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read");
    if (got == 0) return {};
    for (ssize_t done = 0; done < got;) {
      ssize_t put = ::pwrite(to, buffer.get() + done, static_cast<std::size_t>(got - done), offset + done);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return fail_errno("write");
      done += put;
    }
    offset += got;
  }
  return {};
}

Result<> copy_extent(int from, int to, off_t offset, off_t end, const GoOn& go_on) {
  while (offset < end) {
    TRY(go_on());
    off_t in_at = offset, out_at = offset;
    auto piece = std::min<std::size_t>(limits::kClonePieceBytes, static_cast<std::size_t>(end - offset));
    ssize_t moved = ::copy_file_range(from, &in_at, to, &out_at, piece, 0);
    if (moved < 0 && errno == EINTR) continue;
    if (moved < 0 && cannot_copy_range(errno)) return copy_by_hand(from, to, offset, end, go_on);
    if (moved < 0) return fail_errno("copy");
    if (moved == 0) return {};
    offset += moved;
  }
  return {};
}

Result<> copy_data_extents(int from, int to, off_t size, const GoOn& go_on) {
  if (::ftruncate(to, size) < 0) return fail_errno("set size");
  for (off_t at = 0; at < size;) {
    off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};
    if (data < 0) return fail_errno("find data");
    off_t hole = ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) return fail_errno("find hole");
    TRY(copy_extent(from, to, data, hole, go_on));
    at = hole;
  }
  return {};
}

}  // namespace

Result<> clone_file(const std::string& from, const std::string& to, mode_t mode, const GoOn& go_on) {
  auto source = TRY(open_file(from, O_RDONLY));
  auto target = TRY(open_file(to, O_WRONLY | O_CREAT | O_EXCL, mode));
  if (::ioctl(target.get(), FICLONE, source.get()) == 0) return {};
  struct stat info{};
  if (::fstat(source.get(), &info) < 0) return fail_errno(from);
  auto copied = in(to, copy_data_extents(source.get(), target.get(), info.st_size, go_on));
  if (!copied) ::unlink(to.c_str());
  return copied;
}

}  // namespace banger::host
