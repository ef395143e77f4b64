// Packs trees into tar streams. Every step uses directory descriptors, so a tree that changes meanwhile cannot lead
// outside.
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <optional>

#include "base/bounds.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "tar/bounds.h"
#include "tar/tar.h"

namespace banger::tar {

namespace {

struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

bool wanted_xattr(std::string_view name) {
  return name.starts_with("user.") || name.starts_with("trusted.") || name.starts_with("security.") ||
         name.starts_with("system.posix_acl_");
}

Result<std::vector<std::string>> names_in(int directory) {
  UniqueFd copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_errno("read directory");
  std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(copy.get()), ::closedir);
  if (!stream) return fail_errno("read directory");
  copy.release();  // closedir closes it
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    dirent* entry = ::readdir(stream.get());
    if (!entry && errno != 0) return fail_errno("read directory");
    if (!entry) break;
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    if (names.size() > limits::kArchiveEntries) return fail(ErrorCode::exhausted, "read directory: too many entries");
  }
  std::ranges::sort(names);  // the same tree gives the same stream
  return names;
}

/// Receives libarchive's bytes. Freeing a writer ends its archive properly, even after an error. But a broken stream
/// must not look complete, so after an error the sink drops all bytes.
struct Sink {
  int fd;
  bool broken = false;
};

la_ssize_t write_some(archive* writer, void* to, const void* data, std::size_t size) {
  auto* sink = static_cast<Sink*>(to);
  if (sink->broken) return static_cast<la_ssize_t>(size);
  ssize_t put = ::write(sink->fd, data, size);
  while (put < 0 && errno == EINTR) put = ::write(sink->fd, data, size);
  if (put < 0) archive_set_error(writer, errno, "write");
  return put;
}

class Packer {
 public:
  explicit Packer(archive* writer)
      : writer_(writer), buffer_(limits::kCopyBufferBytes, '\0'), zeros_(limits::kCopyBufferBytes, '\0') {}

  /// Packs `name` in directory `parent` (or AT_FDCWD) as `member`.
  Result<> add(int parent, const std::string& name, const std::string& member, std::size_t depth) {
    struct stat info{};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT && depth > 0) return {};  // removed since the directory was read
      return fail_errno(printable(member));
    }
    if (S_ISSOCK(info.st_mode)) return {};
    if (S_ISREG(info.st_mode)) return add_file(parent, name, member);
    if (S_ISDIR(info.st_mode)) return add_directory(parent, name, member, info, depth);
    return add_other(parent, name, member, info);
  }

  const std::optional<Error>& shrunk() const { return shrunk_; }

 private:
  Entry make_entry(const std::string& member, const struct stat& info) {
    Entry entry(archive_entry_new());
    archive_entry_copy_pathname(entry.get(), member.c_str());
    archive_entry_set_mode(entry.get(), info.st_mode);
    archive_entry_set_uid(entry.get(), info.st_uid);
    archive_entry_set_gid(entry.get(), info.st_gid);
    archive_entry_set_mtime(entry.get(), info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
    archive_entry_set_size(entry.get(), 0);
    return entry;
  }

  Result<> write_header(const Entry& entry) {
    if (archive_write_header(writer_, entry.get()) < ARCHIVE_WARN) return failure();
    return {};
  }

  std::unexpected<Error> failure() {
    int number = archive_errno(writer_);
    if (number > 0) return fail_errno("write archive", number);
    const char* why = archive_error_string(writer_);
    return fail(ErrorCode::internal, fmt::format("write archive: {}", why ? why : "unknown error"));
  }

  void add_xattrs(int fd, archive_entry* entry) {
    std::string names(limits::kEntryXattrBytes, '\0'), value(limits::kEntryXattrBytes, '\0');
    ssize_t size = ::flistxattr(fd, names.data(), names.size());
    if (size <= 0) return;  // none, or none on this file system
    for (std::string_view name : split(std::string_view(names).substr(0, static_cast<std::size_t>(size)), '\0')) {
      if (!wanted_xattr(name)) continue;
      ssize_t got = ::fgetxattr(fd, std::string(name).c_str(), value.data(), value.size());
      if (got >= 0)
        archive_entry_xattr_add_entry(entry, std::string(name).c_str(), value.data(), static_cast<std::size_t>(got));
    }
  }

  /// True when the archive already has another name of the same file. Then a link to that name was written.
  Result<bool> add_as_link(const std::string& member, const struct stat& info) {
    if (info.st_nlink < 2) return false;
    auto [known, is_new] = linked_.try_emplace({info.st_dev, info.st_ino}, member);
    if (is_new) return false;
    Entry entry = make_entry(member, info);
    archive_entry_copy_hardlink(entry.get(), known->second.c_str());
    TRY(write_header(entry));
    return true;
  }

  Result<> add_other(int parent, const std::string& name, const std::string& member, const struct stat& info) {
    if (TRY(add_as_link(member, info))) return {};
    Entry entry = make_entry(member, info);
    if (S_ISLNK(info.st_mode)) {
      char target[limits::kPathBytes + 1];
      ssize_t size = ::readlinkat(parent, name.c_str(), target, sizeof target - 1);
      if (size < 0) return fail_errno(printable(member));
      target[size] = '\0';
      archive_entry_copy_symlink(entry.get(), target);
    } else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
      archive_entry_set_rdevmajor(entry.get(), major(info.st_rdev));
      archive_entry_set_rdevminor(entry.get(), minor(info.st_rdev));
    }
    return write_header(entry);
  }

  Result<> add_directory(int parent, const std::string& name, const std::string& member, const struct stat& info,
                         std::size_t depth) {
    if (depth >= limits::kTreeDepth)
      return fail(ErrorCode::unsupported,
                  fmt::format("'{}' is more than {} directories deep", printable(member), limits::kTreeDepth));
    UniqueFd directory(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory) return fail_errno(printable(member));
    Entry entry = make_entry(member, info);
    add_xattrs(directory.get(), entry.get());
    TRY(write_header(entry));
    for (const std::string& below : TRY(in(printable(member), names_in(directory.get()))))
      TRY(add(directory.get(), below, member + "/" + below, depth + 1));
    return {};
  }

  Result<> add_file(int parent, const std::string& name, const std::string& member) {
    // O_NONBLOCK: a file may have become a fifo since fstatat().
    UniqueFd file(::openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) return fail_errno(printable(member));
    struct stat info{};
    if (::fstat(file.get(), &info) < 0) return fail_errno(printable(member));
    if (!S_ISREG(info.st_mode))
      return fail(ErrorCode::busy, fmt::format("'{}' changed while it was read", printable(member)));
    if (TRY(add_as_link(member, info))) return {};
    Entry entry = make_entry(member, info);
    archive_entry_set_size(entry.get(), info.st_size);
    add_xattrs(file.get(), entry.get());
    if (info.st_blocks * 512 < info.st_size) add_holes(file.get(), info.st_size, entry.get());
    TRY(write_header(entry));
    return in(printable(member), write_content(file.get(), info.st_size, member));
  }

  void add_holes(int file, off_t size, archive_entry* entry) {
    archive_entry_sparse_clear(entry);
    bool any = false;
    for (off_t at = 0; at < size;) {
      off_t data = ::lseek(file, at, SEEK_DATA);
      if (data < 0 && errno != ENXIO) return archive_entry_sparse_clear(entry);
      if (data < 0 || data >= size) break;
      off_t end = std::min(std::max(::lseek(file, data, SEEK_HOLE), data + 1), size);
      archive_entry_sparse_add_entry(entry, data, end - data);
      any = true;
      at = end;
    }
    if (!any) archive_entry_sparse_add_entry(entry, 0, 0);
  }

  /// libarchive requires the holes as zeros, and drops them.
  Result<> write_content(int file, off_t size, const std::string& member) {
    off_t data_end = 0, hole_end = 0;
    for (off_t at = 0; at < size;) {
      if (at >= data_end && at >= hole_end) find_data(file, at, size, hole_end, data_end);
      bool hole = at < hole_end;
      auto want =
          static_cast<std::size_t>(std::min<off_t>((hole ? hole_end : data_end) - at, limits::kCopyBufferBytes));
      ssize_t got = static_cast<ssize_t>(want);
      if (!hole) got = ::pread(file, buffer_.data(), want, at);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno("read");
      if (got == 0) {  // keep the size that the header gives; report the error at the end
        if (!shrunk_)
          shrunk_ = fail(ErrorCode::busy, fmt::format("'{}' became shorter while it was read; the copy ends in zeros",
                                                      printable(member)))
                        .error();
        hole_end = size;
        continue;
      }
      la_ssize_t put =
          archive_write_data(writer_, hole ? zeros_.data() : buffer_.data(), static_cast<std::size_t>(got));
      if (put < got) return failure();
      at += got;
    }
    return {};
  }

  static void find_data(int file, off_t at, off_t size, off_t& hole_end, off_t& data_end) {
    off_t data = ::lseek(file, at, SEEK_DATA);
    if (data < 0) data = errno == ENXIO ? size : at;
    hole_end = std::min(data, size);
    off_t hole = hole_end < size ? ::lseek(file, hole_end, SEEK_HOLE) : size;
    data_end = hole < 0 ? size : std::min(std::max(hole, hole_end), size);
  }

  archive* writer_;
  std::string buffer_, zeros_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
  std::optional<Error> shrunk_;
};

}  // namespace

Result<> pack_tree(const std::string& path, const std::string& name_in_archive, int tar_fd) {
  std::string from = path, member = name_in_archive.empty() ? "." : name_in_archive;
  while (from.size() > 1 && from.back() == '/') from.pop_back();  // a trailing slash would follow a symlink
  Sink sink{tar_fd};
  std::unique_ptr<archive, int (*)(archive*)> writer(archive_write_new(), archive_write_free);
  if (!writer) return fail(ErrorCode::exhausted, "write archive: out of memory");
  // The full pax format, because the restricted one drops nanoseconds. Names are bytes, not text of a locale.
  archive_write_set_format_pax(writer.get());
  archive_write_set_format_option(writer.get(), "pax", "hdrcharset", "BINARY");
  archive_write_set_bytes_per_block(writer.get(), limits::kPackWriteBytes);
  archive_write_set_bytes_in_last_block(writer.get(), 1);
  if (archive_write_open(writer.get(), &sink, nullptr, write_some, nullptr) != ARCHIVE_OK)
    return fail_errno("write archive", archive_errno(writer.get()));
  Packer packer(writer.get());
  if (auto packed = packer.add(AT_FDCWD, from, member, 0); !packed) {
    sink.broken = true;
    return packed;
  }
  if (archive_write_close(writer.get()) != ARCHIVE_OK)
    return fail_errno("write archive", std::max(archive_errno(writer.get()), 0));
  if (packer.shrunk()) return std::unexpected(*packer.shrunk());
  return {};
}

}  // namespace banger::tar
