#include "roles/agent/sftp/files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "roles/agent/bounds.h"
#include "roles/agent/sftp/answers.h"

namespace banger::roles::agent::sftp {

namespace {

constexpr mode_t kPermissions = 07777;

int open_flags(std::uint32_t wanted) {
  enum Open : std::uint32_t { kRead = 1, kWrite = 2, kAppend = 4, kCreate = 8, kTruncate = 16, kExclusive = 32 };
  int flags = wanted & kWrite ? (wanted & kRead ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (wanted & kAppend) flags |= O_APPEND;
  if (wanted & kCreate) flags |= O_CREAT;
  if (wanted & kTruncate) flags |= O_TRUNC;
  if (wanted & kExclusive) flags |= O_EXCL;
  return flags;
}

struct timespec seconds(std::uint32_t value) { return {.tv_sec = value, .tv_nsec = 0}; }

// Changes what is set. `fd` is AT_FDCWD and `path` names the file, or `path` is empty. Root changes an owner before the
// mode, because a new owner removes the setuid bit.
int change(int fd, const char* path, int flags, const Attributes& wanted) {
  if (wanted.size) {
    auto size = static_cast<off_t>(*wanted.size);
    if ((*path ? ::truncate(path, size) : ::ftruncate(fd, size)) < 0) return -1;
  }
  if (wanted.owner) {
    auto [user, group] = *wanted.owner;
    if ((*path ? ::fchownat(fd, path, user, group, flags) : ::fchown(fd, user, group)) < 0) return -1;
  }
  if (wanted.mode) {
    auto mode = *wanted.mode & kPermissions;
    if ((*path ? ::fchmodat(fd, path, mode, flags) : ::fchmod(fd, mode)) < 0) return -1;
  }
  if (!wanted.times) return 0;
  struct timespec times[2] = {seconds(wanted.times->first), seconds(wanted.times->second)};
  return *path ? ::utimensat(fd, path, times, flags) : ::futimens(fd, times);
}

// In version 3, a rename never replaces a file.
int rename_to_free(const char* from, const char* to) {
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL) return -1;
  // This file system does not know the flag.
  struct stat info{};
  if (::lstat(to, &info) == 0) {
    errno = EEXIST;
    return -1;
  }
  return ::rename(from, to);
}

// The last part of the path may be missing.
std::string real_path(const std::string& path) {
  auto resolve = [](const std::string& name) {
    std::unique_ptr<char, decltype(&::free)> whole(::realpath(name.c_str(), nullptr), ::free);
    return std::string(whole ? whole.get() : "");
  };
  if (auto whole = resolve(path.empty() ? "." : path); !whole.empty()) return whole;
  auto slash = path.rfind('/');
  auto parent = resolve(slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
  if (parent.empty()) return "";
  return (parent == "/" ? "" : parent) + "/" + path.substr(slash == path.npos ? 0 : slash + 1);
}

std::string path_answer(std::uint32_t id, const std::string& path) {
  if (path.empty()) return errno_status(id, errno);
  return names(id, {{.name = path, .line = path, .attributes = {}}});
}

std::string stat_answer(const Request& request, int flags) {
  struct stat info{};
  if (::fstatat(AT_FDCWD, request.path.c_str(), &info, flags) < 0) return errno_status(request.id, errno);
  return attributes(request.id, info);
}

std::string link_answer(const Request& request) {
  std::string target(limits::kPathBytes + 1, '\0');
  auto size = ::readlink(request.path.c_str(), target.data(), target.size());
  if (size < 0) return errno_status(request.id, errno);
  target.resize(static_cast<std::size_t>(size));
  return path_answer(request.id, target);
}

}  // namespace

std::string bad_message(std::uint32_t id) { return status(id, Status::bad_message, "unknown request"); }

std::string Files::answer(const Request& request) {
  const char* path = request.path.c_str();
  auto id = request.id;
  switch (request.kind) {
    case Kind::init:
      return version();
    case Kind::open:
      return open(request);
    case Kind::open_directory:
      return open_directory(request);
    case Kind::lstat:
      return stat_answer(request, AT_SYMLINK_NOFOLLOW);
    case Kind::stat:
      return stat_answer(request, 0);
    case Kind::set_stat:
      return status_of(id, change(AT_FDCWD, path, 0, request.attributes));
    case Kind::remove:
      return status_of(id, ::unlink(path));
    case Kind::make_directory:
      return status_of(id, ::mkdir(path, request.attributes.mode.value_or(0777) & kPermissions));
    case Kind::remove_directory:
      return status_of(id, ::rmdir(path));
    case Kind::real_path:
      return path_answer(id, real_path(request.path));
    case Kind::rename:
      return status_of(id, rename_to_free(path, request.other.c_str()));
    case Kind::read_link:
      return link_answer(request);
    case Kind::make_symlink:
      return status_of(id, ::symlink(path, request.other.c_str()));
    case Kind::extended:
      return extended(request);
    default:
      return of_open_file(request);
  }
}

std::string Files::of_open_file(const Request& request) {
  if (!find(request)) return status(request.id, Status::failure, "no such handle");
  switch (request.kind) {
    case Kind::close:
      return close(request);
    case Kind::read:
      return read(request);
    case Kind::write:
      return write(request);
    case Kind::read_directory:
      return read_directory(request);
    case Kind::set_fstat:
      return status_of(request.id, change(descriptor(request), "", 0, request.attributes));
    default: {
      struct stat info{};
      if (::fstat(descriptor(request), &info) < 0) return errno_status(request.id, errno);
      return attributes(request.id, info);
    }
  }
}

std::string Files::extended(const Request& request) {
  const auto &name = request.name, &path = request.path;
  auto id = request.id;
  if (name == "posix-rename@openssh.com") return status_of(id, ::rename(path.c_str(), request.other.c_str()));
  if (name == "hardlink@openssh.com") return status_of(id, ::link(path.c_str(), request.other.c_str()));
  if (name == "lsetstat@openssh.com")
    return status_of(id, change(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, request.attributes));
  if (name == "fsync@openssh.com") return status_of(id, ::fsync(descriptor(request)));
  if (name == "limits@openssh.com") return own_limits(id);
  if (name == "expand-path@openssh.com") {
    if (path != "~" && !path.starts_with("~/")) return path_answer(id, real_path(path));
    return path_answer(id, real_path(home_ + path.substr(1)));
  }
  bool of_path = name == "statvfs@openssh.com";
  if (!of_path && name != "fstatvfs@openssh.com") return status(id, Status::unsupported, "unknown extension");
  struct statvfs info{};
  if ((of_path ? ::statvfs(path.c_str(), &info) : ::fstatvfs(descriptor(request), &info)) < 0)
    return errno_status(id, errno);
  return file_system(id, info);
}

Files::Handle* Files::find(const Request& request) {
  auto found = handles_.find(request.handle);
  return found == handles_.end() ? nullptr : &found->second;
}

// -1, which every system call refuses, if there is no such handle.
int Files::descriptor(const Request& request) {
  auto* handle = find(request);
  if (!handle) return -1;
  return handle->directory ? ::dirfd(handle->directory.get()) : handle->file.get();
}

std::string Files::add(std::uint32_t id, Handle handle) {
  if (handles_.size() >= limits::kSftpHandles) return status(id, Status::failure, "too many open files");
  auto name = Writer().number(next_++).take();
  handles_[name] = std::move(handle);
  return sftp::handle(id, name);
}

std::string Files::open(const Request& request) {
  // O_NONBLOCK: to open a FIFO must not wait for its other end.
  UniqueFd file(::open(request.path.c_str(), open_flags(request.flags) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                       request.attributes.mode.value_or(0666) & kPermissions));
  if (!file) return errno_status(request.id, errno);
  return add(request.id, {.file = std::move(file), .directory = nullptr});
}

std::string Files::open_directory(const Request& request) {
  decltype(Handle::directory) directory(::opendir(request.path.c_str()));
  if (!directory) return errno_status(request.id, errno);
  return add(request.id, {.file = {}, .directory = std::move(directory)});
}

std::string Files::close(const Request& request) {
  auto handle = std::move(*find(request));
  handles_.erase(request.handle);
  // A full disk may show only now (close(2)).
  if (handle.file) return status_of(request.id, ::close(handle.file.release()));
  return status(request.id, Status::ok);
}

std::string Files::read(const Request& request) {
  std::string bytes(std::min<std::size_t>(request.length, limits::kSftpDataBytes), '\0');
  auto count = ::pread(descriptor(request), bytes.data(), bytes.size(), static_cast<off_t>(request.offset));
  // What cannot seek is read on.
  if (count < 0 && errno == ESPIPE) count = ::read(descriptor(request), bytes.data(), bytes.size());
  if (count < 0) return errno_status(request.id, errno);
  if (count == 0) return status(request.id, Status::end_of_file);
  return data(request.id, std::string_view(bytes).substr(0, static_cast<std::size_t>(count)));
}

std::string Files::write(const Request& request) {
  auto rest = request.data;
  for (auto offset = static_cast<off_t>(request.offset); !rest.empty();) {
    auto count = ::pwrite(descriptor(request), rest.data(), rest.size(), offset);
    if (count < 0 && errno == ESPIPE) count = ::write(descriptor(request), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return errno_status(request.id, count < 0 ? errno : ENOSPC);
    rest.remove_prefix(static_cast<std::size_t>(count));
    offset += count;
  }
  return status(request.id, Status::ok);
}

std::string Files::read_directory(const Request& request) {
  auto* directory = find(request)->directory.get();
  if (!directory) return status(request.id, Status::failure, "this handle is no directory");
  std::vector<Name> found;
  while (found.size() < limits::kSftpNames) {
    errno = 0;
    auto* entry = ::readdir(directory);
    if (!entry && errno != 0) return errno_status(request.id, errno);
    if (!entry) break;
    struct stat info{};
    // An entry that has gone meanwhile is left out.
    if (::fstatat(::dirfd(directory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0) continue;
    found.push_back({.name = entry->d_name, .line = list_line(info, entry->d_name), .attributes = attributes_of(info)});
  }
  if (found.empty()) return status(request.id, Status::end_of_file);
  return names(request.id, found);
}

}  // namespace banger::roles::agent::sftp
