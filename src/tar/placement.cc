#include "tar/placement.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "host/files.h"
#include "tar/bounds.h"

namespace banger::tar {

namespace {

bool is_device(mode_t mode) { return S_ISCHR(mode) || S_ISBLK(mode); }

std::string_view kind_name(mode_t mode) {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISLNK(mode)) return "symlink";
  if (S_ISFIFO(mode)) return "FIFO";
  if (S_ISSOCK(mode)) return "socket";
  return is_device(mode) ? "device" : "file";
}

std::unexpected<Error> taken(mode_t mode) {
  return fail(ErrorCode::exists, fmt::format("a {} of this name exists already", kind_name(mode)),
              S_ISLNK(mode) ? "name the symlink itself as the target to write through it, or remove it"
                            : "remove it, or copy elsewhere");
}

}  // namespace

Result<Place> place_of(mode_t incoming, const struct stat& there, Target target) {
  mode_t mode = there.st_mode;
  if (S_ISREG(incoming)) {
    if (S_ISREG(mode)) return there.st_nlink > 1 ? Place::write_into : Place::replace;
    bool follow = target == Target::named && (S_ISLNK(mode) || S_ISFIFO(mode));
    if (is_device(mode) || follow) return Place::write_into;
    return taken(mode);
  }
  // A symlink or a FIFO has no content, so it must replace the existing object. Only objects that can be made again are
  // replaced.
  if (S_ISFIFO(incoming) && S_ISFIFO(mode)) return Place::keep;
  if (S_ISREG(mode) || S_ISLNK(mode)) return Place::replace;
  return taken(mode);
}

Result<> check_writable(int parent, const std::string& name) {
  if (::faccessat(parent, name.c_str(), W_OK, AT_EACCESS) < 0) return fail_errno("write the existing file");
  return {};
}

bool keeps_its_file(int error_number) {
  return error_number == EXDEV || error_number == EACCES || error_number == EPERM || error_number == EROFS ||
         error_number == EBUSY;
}

Result<UniqueFd> open_in_place(int parent, const std::string& name, Target target) {
  bool follow = target == Target::named;
  struct stat there{};
  if (::fstatat(parent, name.c_str(), &there, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT && follow)
      return fail(ErrorCode::not_found, "it is a symlink to a missing file",
                  "make the symlink's target, or remove the symlink");
    return fail_errno("read the attributes of the existing file");
  }
  if (!S_ISREG(there.st_mode) && !is_device(there.st_mode)) return taken(there.st_mode);
  int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
  UniqueFd file(::openat(parent, name.c_str(), flags));
  if (!file) return fail_errno("write into the existing file");
  return file;
}

ContentWriter::ContentWriter(int fd) : fd_(fd) {
  struct stat info{};
  is_file_ = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  if (is_file_) old_size_ = static_cast<std::uint64_t>(info.st_size);
}

Result<> ContentWriter::add(std::uint64_t offset, std::string_view bytes) {
  TRY(skip_to(offset));
  return write(bytes);
}

Result<> ContentWriter::finish(std::uint64_t size) {
  // A file of /proc accepts content, but not always a size.
  bool resize = is_file_ && (at_ < size || old_size_ > size);
  TRY(skip_to(size));
  if (resize && ::ftruncate(fd_, static_cast<off_t>(size)) < 0) return fail_errno("set the size");
  return {};
}

Result<> ContentWriter::write(std::string_view bytes) {
  TRY(host::write_all(fd_, bytes));
  at_ += bytes.size();
  return {};
}

/// Old content in the hole is removed. Where a file system cannot do that, zeros are written.
Result<> ContentWriter::leave_hole(std::uint64_t offset) {
  auto old_end = std::min(old_size_, offset);
  if (at_ < old_end && ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at_),
                                   static_cast<off_t>(old_end - at_)) < 0)
    return errno == EOPNOTSUPP ? Result<>() : fail_errno("leave a hole");
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) return fail_errno("leave a hole");
  at_ = offset;
  return {};
}

Result<> ContentWriter::skip_to(std::uint64_t offset) {
  if (is_file_ && offset > at_) TRY(leave_hole(offset));
  std::string zeros(std::min<std::uint64_t>(offset - std::min(at_, offset), limits::kCopyBufferBytes), '\0');
  while (at_ < offset)
    TRY(write(std::string_view(zeros).substr(0, std::min<std::uint64_t>(offset - at_, zeros.size()))));
  return {};
}

Result<> copy_content(int from, int to) {
  struct stat info{};
  if (::fstat(from, &info) < 0) return fail_errno("read the attributes of the copy");
  ContentWriter writer(to);
  auto buffer = std::make_unique_for_overwrite<char[]>(limits::kCopyBufferBytes);
  for (off_t at = 0; at < info.st_size;) {
    off_t data = ::lseek(from, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    if (data < 0) return fail_errno("find data");
    off_t end = ::lseek(from, data, SEEK_HOLE);
    if (end < 0) return fail_errno("find a hole");
    for (at = data; at < end;) {
      ssize_t got = ::pread(from, buffer.get(),
                            std::min<std::size_t>(limits::kCopyBufferBytes, static_cast<std::size_t>(end - at)), at);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read");
      if (got == 0) return writer.finish(static_cast<std::uint64_t>(info.st_size));
      TRY(writer.add(static_cast<std::uint64_t>(at), {buffer.get(), static_cast<std::size_t>(got)}));
      at += got;
    }
  }
  return writer.finish(static_cast<std::uint64_t>(info.st_size));
}

}  // namespace banger::tar
