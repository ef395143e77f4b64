// The generic mounts of a guest config.
#include <fcntl.h>
#include <sys/mount.h>

#include "base/text.h"
#include "guest/disks.h"

namespace banger::guest {

namespace {

struct Flag {
  std::string_view name;
  unsigned long flag;
};

constexpr Flag kFlags[] = {
    {"ro", MS_RDONLY},
    {"nosuid", MS_NOSUID},
    {"nodev", MS_NODEV},
    {"noexec", MS_NOEXEC},
    {"sync", MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC},
    {"noatime", MS_NOATIME},
    {"nodiratime", MS_NODIRATIME},
    {"relatime", MS_RELATIME},
    {"strictatime", MS_STRICTATIME},
    {"lazytime", MS_LAZYTIME},
    {"bind", MS_BIND},
    {"rbind", MS_BIND | MS_REC},
    {"defaults", 0},
    {"rw", 0},
    {"suid", 0},
    {"dev", 0},
    {"exec", 0},
    {"async", 0},
    {"atime", 0},
    {"auto", 0},
    {"noauto", 0},
    {"nofail", 0},
    {"_netdev", 0},
};

// The flags that a bind mount ignores until it is remounted (mount(2)).
constexpr unsigned long kPerMount =
    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME;

}  // namespace

MountOptions parse_mount_options(std::string_view options) {
  MountOptions parsed;
  for (std::string_view option : split(options, ',')) {
    if (option.empty()) continue;
    const Flag* known = nullptr;
    for (const Flag& flag : kFlags)
      if (flag.name == option) known = &flag;
    if (known)
      parsed.flags |= known->flag;
    else
      parsed.data += (parsed.data.empty() ? "" : ",") + std::string(option);
  }
  return parsed;
}

Result<> apply_mount(const Root& root, const guestcfg::Mount& mount) {
  if (is_mount_point(root, mount.target)) return {};
  auto options = parse_mount_options(mount.options);
  if (!(options.flags & MS_BIND))
    return mount_in(root, mount.source, mount.target, mount.type, options.flags, options.data);
  // A bind's source is a path of the guest, so it is resolved inside its root too.
  auto source = TRY(root.open_path(mount.source, O_PATH));
  TRY(mount_in(root, fd_path(source.get()), mount.target, "", options.flags & (MS_BIND | MS_REC), ""));
  if (!(options.flags & kPerMount)) return {};
  return mount_in(root, "none", mount.target, "", MS_REMOUNT | MS_BIND | (options.flags & kPerMount), "");
}

}  // namespace banger::guest
