#include "tar/attributes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "base/unique_fd.h"
#include "tar/bounds.h"

namespace banger::tar {

namespace {

mode_t allowed_bits(Keep keep) { return keep.setid ? 07777 : 01777; }
mode_t mode_of(const TarEntry& entry, Keep keep) { return entry.mode & allowed_bits(keep); }

bool is_wanted(std::string_view name, Keep keep) {
  if (name.starts_with("user.")) return true;
  // A file capability is as good as setuid.
  if (name == "security.capability" && !keep.setid) return false;
  return keep.owner &&
         (name.starts_with("system.posix_acl_") || name.starts_with("security.") || name.starts_with("trusted."));
}

timespec timespec_of(const EntryTime& time) {
  return {static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

/// Attributes that a file keeps when its content changes. The kernel removes file capabilities then.
bool stays(std::string_view name) { return name.starts_with("user.") || name == "system.posix_acl_access"; }

Result<> copy_xattrs(const std::string& from, int to) {
  std::string names(limits::kEntryXattrBytes, '\0'), value(limits::kEntryXattrBytes, '\0');
  ssize_t size = ::listxattr(from.c_str(), names.data(), names.size());
  if (size <= 0) return {};  // none, or none on this file system
  for (std::string_view name : split(std::string_view(names).substr(0, static_cast<std::size_t>(size)), '\0')) {
    if (!stays(name)) continue;
    std::string key(name);
    ssize_t got = ::getxattr(from.c_str(), key.c_str(), value.data(), value.size());
    if (got >= 0 && ::fsetxattr(to, key.c_str(), value.data(), static_cast<std::size_t>(got), 0) < 0)
      return fail_errno(fmt::format("set attribute '{}'", printable(key)));
  }
  return {};
}

}  // namespace

Result<> apply_time(int fd, const TarEntry& entry) {
  timespec times[2] = {timespec_of(entry.mtime), timespec_of(entry.mtime)};
  return ::futimens(fd, times) < 0 ? fail_errno("set the time") : Result<>();
}

Result<> apply_attributes_of(int fd, int parent, const std::string& name, Keep keep) {
  UniqueFd old(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat theirs{}, ours{};
  if (!old || ::fstat(old.get(), &theirs) < 0 || ::fstat(fd, &ours) < 0)
    return fail_errno("read the attributes of the existing file");
  bool same = theirs.st_uid == ours.st_uid && theirs.st_gid == ours.st_gid;
  if (!same && ::fchown(fd, theirs.st_uid, theirs.st_gid) < 0) return fail_errno("set the owner");
  TRY(copy_xattrs(fmt::format("/proc/self/fd/{}", old.get()), fd));
  return ::fchmod(fd, theirs.st_mode & allowed_bits(keep)) < 0 ? fail_errno("set the mode") : Result<>();
}

Result<> apply_attributes(int fd, const TarEntry& entry, Keep keep, bool stated) {
  if (keep.owner && stated && ::fchown(fd, static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) < 0)
    return fail_errno("set the owner");
  if (::fchmod(fd, mode_of(entry, keep)) < 0) return fail_errno("set the mode");
  for (const auto& [name, value] : entry.xattrs) {
    if (!is_wanted(name, keep) || ::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) continue;
    // The file system or kernel may lack this attribute; the file is complete without it.
    if (errno != ENOTSUP && errno != EPERM && errno != EACCES && errno != EINVAL)
      return fail_errno(fmt::format("set attribute '{}'", printable(name)));
  }
  return stated ? apply_time(fd, entry) : Result<>();
}

Result<> apply_attributes_at(int parent, const std::string& name, const TarEntry& entry, Keep keep) {
  auto uid = static_cast<uid_t>(entry.uid);
  auto gid = static_cast<gid_t>(entry.gid);
  if (keep.owner && ::fchownat(parent, name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
    return fail_errno("set the owner");
  bool symlink = entry.kind == EntryKind::symlink;
  if (!symlink && ::fchmodat(parent, name.c_str(), mode_of(entry, keep), AT_SYMLINK_NOFOLLOW) < 0)
    return fail_errno("set the mode");
  timespec times[2] = {timespec_of(entry.mtime), timespec_of(entry.mtime)};
  if (::utimensat(parent, name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0) return fail_errno("set the time");
  return {};
}

}  // namespace banger::tar
