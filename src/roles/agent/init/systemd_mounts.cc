// The file systems of the kernel that systemd mounts early in each boot. systemd starts a process for each, which takes
// a tenth of the boot under software emulation. It leaves alone what is mounted already.
#include <sys/mount.h>
#include <sys/stat.h>

#include <string>

#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

struct Mount {
  const char *unit, *type, *target;
  unsigned long flags;
};

// As the units of systemd 252 mount them.
constexpr unsigned long kHarmless = MS_NOSUID | MS_NODEV | MS_NOEXEC;
constexpr Mount kMounts[] = {
    {"dev-hugepages.mount", "hugetlbfs", "/dev/hugepages", 0},
    {"dev-mqueue.mount", "mqueue", "/dev/mqueue", kHarmless},
    {"sys-fs-fuse-connections.mount", "fusectl", "/sys/fs/fuse/connections", kHarmless},
    {"sys-kernel-config.mount", "configfs", "/sys/kernel/config", kHarmless},
    {"sys-kernel-debug.mount", "debugfs", "/sys/kernel/debug", kHarmless},
    {"sys-kernel-tracing.mount", "tracefs", "/sys/kernel/tracing", kHarmless},
};

}  // namespace

bool mounts_unit(const guest::Root& root, const std::string& unit) {
  auto own = "/etc/systemd/system/" + unit;  // the administrator's; a mask is a link to /dev/null
  if (root.exists(own) || !root.link_target(own).empty()) return false;
  return root.exists("/lib/systemd/system/" + unit) || root.exists("/usr/lib/systemd/system/" + unit);
}

void mount_for_systemd(const guest::Root& root) {
  for (const Mount& each : kMounts) {
    if (!mounts_unit(root, each.unit)) continue;
    // Only below /dev can the directory be missing. A kernel without such a file system has no directory for it.
    (void)::mkdir(each.target, 0755);
    (void)::mount(each.type, each.target, each.type, each.flags, nullptr);
  }
}

}  // namespace banger::roles::agent::init
