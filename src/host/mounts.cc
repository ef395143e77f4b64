#include "host/mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

namespace banger::host {

namespace {

mount_attr attributes_for(MountUse use) {
  constexpr std::uint64_t kNothingRuns = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  switch (use) {
    case MountUse::read:
      return {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | kNothingRuns,
              .attr_clr = 0,
              .propagation = 0,
              .userns_fd = 0};
    case MountUse::write:
      return {.attr_set = MOUNT_ATTR_NOSUID | kNothingRuns,
              .attr_clr = MOUNT_ATTR_RDONLY,
              .propagation = 0,
              .userns_fd = 0};
    case MountUse::root:
      break;
  }
  return {
      .attr_set = MOUNT_ATTR_NOSUID, .attr_clr = MOUNT_ATTR_RDONLY | kNothingRuns, .propagation = 0, .userns_fd = 0};
}

}  // namespace

Result<UniqueFd> mount_of(const UniqueFd& file, MountUse use) {
  UniqueFd mount(::open_tree(file.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!mount) return fail_errno("open_tree");
  auto attributes = attributes_for(use);
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
    return fail_errno("mount_setattr");
  return mount;
}

Result<> attach_mount(const UniqueFd& mount, const UniqueFd& target) {
  if (::move_mount(mount.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
    return fail_errno("move_mount");
  return {};
}

Result<> unshare_mounts() {
  if (::unshare(CLONE_NEWNS) < 0) return fail_errno("a mount namespace");
  // Otherwise the mounts made here would appear in the host's namespace too.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return fail_errno("a mount namespace");
  return {};
}

Result<> mount_in_memory(const std::string& path) {
  if (::mount("jails", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=0755") < 0)
    return fail_errno(path);
  return {};
}

}  // namespace banger::host
