#include "guest/init.h"

#include "base/text.h"

namespace banger::guest {

namespace {

// The kernel's own list (init/main.c), then systemd, which may be installed without a link from /sbin/init.
constexpr const char* kCandidates[] = {"/sbin/init", "/etc/init", "/bin/init", "/usr/lib/systemd/systemd",
                                       "/lib/systemd/systemd"};

bool is_missing(const RootFiles& root, std::string_view command) {
  if (command.starts_with('-')) command.remove_prefix(1);  // a login shell
  std::string program(command.substr(0, command.find_first_of(" \t")));
  return program.starts_with('/') && !root.exists(program);
}

/// Whether none of the programs exists with which inittab(5) begins a boot: ID:RUNLEVELS:sysinit:COMMAND. Packages
/// bring the file into images that never had these programs.
bool begins_with_nothing(const RootFiles& root, std::string_view inittab) {
  int there = 0, missing = 0;
  for (std::string_view line : split(inittab, '\n')) {
    auto fields = split(trim(line), ':');
    if (fields.size() < 4 || line.starts_with('#') || fields[2] != "sysinit") continue;
    ++(is_missing(root, trim(fields[3])) ? missing : there);
  }
  return missing > 0 && there == 0;
}

/// Every busybox has the init applet. In a container image it was never set up, and would only respawn shells on
/// terminals that do not exist.
InitKind busybox_kind(const RootFiles& root) {
  auto inittab = root.read("/etc/inittab");
  if (inittab && begins_with_nothing(root, *inittab)) return InitKind::none;
  if (inittab && inittab->find("openrc") != inittab->npos)
    return root.exists("/sbin/openrc") ? InitKind::openrc : InitKind::none;
  return inittab || root.exists("/etc/init.d/rcS") ? InitKind::busybox : InitKind::none;
}

InitKind kind_of(const RootFiles& root, const std::string& program) {
  if (program.empty()) return InitKind::none;
  if (program == "systemd") return InitKind::systemd;
  if (program.starts_with("openrc")) return InitKind::openrc;
  // runit-init without its first stage only stops.
  if (program.starts_with("runit")) return root.exists("/etc/runit/2") ? InitKind::runit : InitKind::none;
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
