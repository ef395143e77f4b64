// GET /image: the guest's file systems as one tar stream that an image can be made from.
//
// Only the root file system and the work disk are read. Each is cloned without the mounts on top of it. So the contents
// of a tmpfs cannot get into the stream, and files that such a mount covers are not lost.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/disks.h"
#include "roles/agent/image_contents.h"
#include "roles/agent/routes/transfer.h"

namespace banger::roles::agent {

namespace {

constexpr const char* kWorkDirectory = "/root";

/// open_tree(2) without AT_RECURSIVE: a mount of this file system alone, which nobody else sees.
Result<UniqueFd> clone_mount(const char* path) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!fd) return fail_errno(fmt::format("look below the mounts of {}", path));
  return fd;
}

Result<> pack_guest(int tar_fd) {
  auto system = TRY(clone_mount("/"));
  UniqueFd work;
  if (guest::is_mount_point(TRY(guest::Root::open("/")), kWorkDirectory)) work = TRY(clone_mount(kWorkDirectory));
  return pack_image(system.get(), work ? std::optional(work.get()) : std::nullopt, tar_fd);
}

}  // namespace

Task<> get_image(ContextPtr context, StreamPtr stream) {
  co_await send_archive(std::move(context), std::move(stream), {}, "/", pack_guest);
}

}  // namespace banger::roles::agent
