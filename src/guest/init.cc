#include "guest/init.h"

namespace banger::guest {

namespace {

// The kernel's own list (init/main.c), then systemd, which may be installed without a link from /sbin/init.
constexpr const char* kCandidates[] = {"/sbin/init", "/etc/init", "/bin/init", "/usr/lib/systemd/systemd",
                                       "/lib/systemd/systemd"};

/// Every busybox has the init applet. In a container image it was never set up, and would only respawn shells on
/// terminals that do not exist.
InitKind busybox_kind(const RootFiles& root) {
  auto inittab = root.read("/etc/inittab");
  if (inittab && inittab->find("openrc") != inittab->npos)
    return root.exists("/sbin/openrc") ? InitKind::openrc : InitKind::none;
  return inittab || root.exists("/etc/init.d/rcS") ? InitKind::busybox : InitKind::none;
}

InitKind kind_of(const RootFiles& root, const std::string& program) {
  if (program.empty()) return InitKind::none;
  if (program == "systemd") return InitKind::systemd;
  if (program.starts_with("openrc")) return InitKind::openrc;
  if (program.starts_with("runit")) return InitKind::runit;
  if (program.starts_with("busybox")) return busybox_kind(root);
  return root.exists("/sbin/openrc") ? InitKind::openrc : InitKind::other;
}

}  // namespace

Init find_init(const RootFiles& root) {
  for (const char* path : kCandidates)
    if (auto kind = kind_of(root, root.program_name(path)); kind != InitKind::none) return {path, kind};
  return {};
}

}  // namespace banger::guest
