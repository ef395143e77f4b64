// GET /image: the guest's file systems as one tar stream that an image can be made from.
//
// Only the root file system and the work disk are read. Each is cloned without the mounts on top of it. So the contents
// of a tmpfs cannot get into the stream, and files that such a mount covers are not lost.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "guest/disks.h"
#include "link/bounds.h"
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

Result<> pack_guest(int tar_fd, const std::vector<std::string>& left_out) {
  auto system = TRY(clone_mount("/"));
  UniqueFd work;
  if (guest::is_mount_point(TRY(guest::Root::open("/")), kWorkDirectory)) work = TRY(clone_mount(kWorkDirectory));
  return pack_image(system.get(), work ? std::optional(work.get()) : std::nullopt, tar_fd, left_out);
}

/// {"left_out": ["root/.gitconfig"]}, or nothing.
Task<Result<std::vector<std::string>>> left_out_of(link::ServerStream& stream) {
  auto body = CO_TRY(co_await stream.body(limits::kLinkJsonBytes));
  if (body.empty()) co_return std::vector<std::string>();
  co_return CO_TRY(find_strings(CO_TRY(parse_json(body, limits::kLinkJsonBytes)), "left_out"));
}

}  // namespace

Task<> get_image(ContextPtr context, StreamPtr stream) {
  auto left_out = co_await left_out_of(*stream);
  if (!left_out) {
    (void)co_await stream->reply_error(left_out.error());
    co_return;
  }
  co_await send_archive(std::move(context), std::move(stream), {}, "/",
                        [list = std::move(*left_out)](int fd) { return pack_guest(fd, list); });
}

}  // namespace banger::roles::agent
