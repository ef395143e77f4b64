#include "guest/root.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/bounds.h"
#include "base/text.h"
#include "guest/bounds.h"
#include "host/files.h"

namespace banger::guest {

namespace {

enum class There { nothing, other, plain, same };

/// What is at `name`: nothing that can be overwritten, another kind of file, a file of that owner and mode, or exactly
/// `file`.
There look_at(int directory, const std::string& name, const guestcfg::File& file) {
  // O_NONBLOCK: a fifo at that name must not block the agent.
  UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info{};
  if (!fd) return There::nothing;
  if (::fstat(fd.get(), &info) < 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1 ||
      (info.st_mode & 07777) != file.mode || info.st_uid != file.uid || info.st_gid != file.gid)
    return There::other;
  if (static_cast<std::size_t>(info.st_size) != file.data.size()) return There::plain;
  std::string_view rest = file.data;
  char buffer[4096];
  while (!rest.empty()) {
    ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got <= 0 || static_cast<std::size_t>(got) > rest.size() ||
        rest.substr(0, static_cast<std::size_t>(got)) != std::string_view(buffer, static_cast<std::size_t>(got)))
      return There::plain;
    rest.remove_prefix(static_cast<std::size_t>(got));
  }
  return There::same;
}

// Truncates the file after writing. Truncating it first would free its blocks and allocate new ones.
Result<> write_over(int directory, const std::string& name, const std::string& data) {
  UniqueFd fd(::openat(directory, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail_errno("open");
  struct stat before{};
  if (::fstat(fd.get(), &before) < 0) return fail_errno("stat");
  TRY(host::write_all(fd.get(), data));
  auto size = static_cast<off_t>(data.size());
  if (before.st_size > size && ::ftruncate(fd.get(), size) < 0) return fail_errno("cut");
  return {};
}

Result<> write_new(int directory, const std::string& name, const guestcfg::File& file) {
  UniqueFd fd(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("create");
  TRY(host::write_all(fd.get(), file.data));
  // Owner before mode: chown(2) clears setuid and setgid.
  if (::fchown(fd.get(), file.uid, file.gid) < 0) return fail_errno("set the owner");
  if (::fchmod(fd.get(), file.mode) < 0) return fail_errno("set the mode");
  return {};
}

/// A temporary name beside the target, unique by process. Removes the leftover of a killed process with the same id.
std::string temporary_name(int directory) {
  std::string name = fmt::format(".banger-{}.tmp", ::getpid());
  ::unlinkat(directory, name.c_str(), 0);
  return name;
}

Result<> put_in_place(int directory, const std::string& temporary, const std::string& name, Result<> made) {
  if (made && ::renameat(directory, temporary.c_str(), directory, name.c_str()) < 0) made = fail_errno("replace");
  if (!made) ::unlinkat(directory, temporary.c_str(), 0);
  return made;
}

}  // namespace

std::pair<std::string, std::string> split_path(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == path.npos) return {"/", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string fd_path(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

Result<Root> Root::open(const std::string& directory, Changes* changes) {
  return Root(TRY(host::open_file(directory, O_PATH | O_DIRECTORY)), changes);
}

bool Root::may_change(const std::string& path) const {
  if (!changes_) return true;
  changes_->add(path);
  return changes_->how == Changes::Do::change;
}

Result<UniqueFd> Root::open_path(const std::string& path, int flags) const {
  struct open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, fd_.get(), path.c_str(), &how, sizeof how)));
    if (fd) return fd;
    // EAGAIN: a rename raced with a ".." in the path; openat2(2) asks for another try.
    if (errno == EAGAIN && attempt < limits::kOpenAttempts) continue;
    if (errno == ENOSYS)
      return fail(ErrorCode::unsupported, "the kernel has no openat2", "Linux 5.6 or later is needed");
    return fail_errno(path);
  }
}

bool Root::exists(const std::string& path) const { return open_path(path, O_PATH).has_value(); }

Result<std::string> Root::read_file(const std::string& path, std::size_t max_bytes) const {
  auto fd = TRY(open_path(path, O_RDONLY | O_NONBLOCK));
  return host::read_all(fd.get(), path, max_bytes);
}

std::string Root::link_target(const std::string& path) const {
  auto fd = open_path(path, O_PATH | O_NOFOLLOW);
  if (!fd) return "";
  std::string target(limits::kPathBytes, '\0');
  ssize_t length = ::readlinkat(fd->get(), "", target.data(), target.size());
  target.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
  return target;
}

Result<UniqueFd> Root::make_directory(const std::string& path, mode_t mode, uid_t uid, gid_t gid) const {
  auto there = open_path(path, O_PATH | O_DIRECTORY);
  if (there || there.error().sys_errno != ENOENT) return there;
  auto [parent_path, name] = split_path(path);
  // The root itself always exists, so the recursion ends.
  auto parent = TRY(make_directory(parent_path));
  if (::mkdirat(parent.get(), name.c_str(), mode) < 0) {
    if (errno == EEXIST) return fail(ErrorCode::invalid, fmt::format("{} is a symlink to a missing file", path));
    return fail_errno(path);
  }
  if ((uid || gid) && ::fchownat(parent.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail_errno(path);
  return open_path(path, O_PATH | O_DIRECTORY);
}

Result<UniqueFd> Root::force_directory(const std::string& path, mode_t mode) const {
  auto there = open_path(path, O_PATH | O_DIRECTORY);
  if (there || path == "/") return there;
  auto [parent_path, name] = split_path(path);
  auto parent = TRY(force_directory(parent_path));
  if (::unlinkat(parent.get(), name.c_str(), 0) < 0 && errno != ENOENT) return fail_errno(path);
  if (::mkdirat(parent.get(), name.c_str(), 0700) < 0) return fail_errno(path);
  auto made = open_path(path, O_PATH | O_DIRECTORY);
  // mkdir(2) heeds the umask.
  if (made && ::chmod(fd_path(made->get()).c_str(), mode) < 0) return fail_errno(path);
  return made;
}

Result<> Root::make_private_directory(const std::string& path, uid_t uid, gid_t gid) const {
  struct stat info{};
  auto there = open_path(path, O_PATH | O_DIRECTORY);
  bool exists = there && ::fstat(there->get(), &info) == 0;
  if (exists && !(info.st_mode & 077)) return {};
  if (!may_change(path)) return {};
  auto made = TRY(make_directory(path, 0700, uid, gid));
  if (exists && ::chmod(fd_path(made.get()).c_str(), 0700) < 0) return fail_errno(path);
  return {};
}

Result<bool> Root::write_file(const guestcfg::File& file) const {
  auto [parent_path, name] = split_path(file.path);
  auto there = open_path(parent_path, O_PATH | O_DIRECTORY);
  if (!there && there.error().sys_errno != ENOENT) return std::unexpected(std::move(there).error());
  if (there && look_at(there->get(), name, file) == There::same) return false;
  if (!may_change(file.path)) return true;
  auto parent = there ? std::move(*there) : TRY(make_directory(parent_path));
  std::string temporary = temporary_name(parent.get());
  TRY(in(file.path, put_in_place(parent.get(), temporary, name, write_new(parent.get(), temporary, file))));
  return true;
}

Result<bool> Root::force_file(const guestcfg::File& file) const {
  auto written = write_file(file);
  if (written || written.error().sys_errno != EISDIR) return written;
  auto [parent_path, name] = split_path(file.path);
  auto parent = TRY(open_path(parent_path, O_PATH | O_DIRECTORY));
  return ::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) < 0 ? written : write_file(file);
}

Result<bool> Root::update_file(const guestcfg::File& file) const {
  auto [parent_path, name] = split_path(file.path);
  auto parent = open_path(parent_path, O_PATH | O_DIRECTORY);
  auto there = parent ? look_at(parent->get(), name, file) : There::nothing;
  if (there == There::same) return false;
  if (there != There::plain) return write_file(file);
  if (!may_change(file.path)) return true;
  TRY(in(file.path, write_over(parent->get(), name, file.data)));
  return true;
}

Result<bool> Root::write_symlink(const std::string& target, const std::string& path) const {
  if (link_target(path) == target) return false;
  if (!may_change(path)) return true;
  auto [parent_path, name] = split_path(path);
  auto parent = TRY(make_directory(parent_path));
  std::string temporary = temporary_name(parent.get());
  Result<> made;
  if (::symlinkat(target.c_str(), parent.get(), temporary.c_str()) < 0) made = fail_errno("create");
  TRY(in(path, put_in_place(parent.get(), temporary, name, std::move(made))));
  return true;
}

Result<> Root::remove_file(const std::string& path) const {
  auto [parent_path, name] = split_path(path);
  auto parent = open_path(parent_path, O_PATH | O_DIRECTORY);
  if (!parent && (parent.error().code == ErrorCode::not_found || parent.error().sys_errno == ENOTDIR)) return {};
  if (!parent) return std::unexpected(std::move(parent).error());
  struct stat info{};
  if (::fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT) return {};
  if (!may_change(path)) return {};
  if (::unlinkat(parent->get(), name.c_str(), 0) < 0 && errno != ENOENT) return fail_errno(path);
  return {};
}

}  // namespace banger::guest
