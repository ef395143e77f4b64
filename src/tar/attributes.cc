#include "tar/attributes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace banger::tar {

namespace {

mode_t mode_of(const TarEntry& entry, Keep keep) { return entry.mode & (keep.setid ? 07777 : 01777); }

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

}  // namespace

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
  timespec times[2] = {timespec_of(entry.mtime), timespec_of(entry.mtime)};
  if (stated && ::futimens(fd, times) < 0) return fail_errno("set the time");
  return {};
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
