#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "host/files.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// Empties a directory of the initramfs to free memory. Does not enter other file systems.
void remove_contents(UniqueFd directory) {
  struct stat self{};
  if (::fstat(directory.get(), &self) < 0) return;
  int fd = directory.get();
  std::unique_ptr<DIR, CloseDirectory> entries(::fdopendir(fd));
  if (!entries) return;
  (void)directory.release();  // the stream closes it now
  while (const dirent* entry = ::readdir(entries.get())) {
    if (!std::strcmp(entry->d_name, ".") || !std::strcmp(entry->d_name, "..")) continue;
    struct stat info{};
    if (::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 || info.st_dev != self.st_dev) continue;
    if (S_ISDIR(info.st_mode))
      remove_contents(UniqueFd(::openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)));
    ::unlinkat(fd, entry->d_name, S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0);
  }
}

Result<> move_mounts() {
  auto root = TRY(guest::Root::open(kNewRoot));
  // /proc is last, because the descriptors' paths lead through it.
  for (const char* path : {"/dev", "/sys", "/run", "/proc"}) {
    auto target = TRY(root.force_directory(path));
    if (::mount(path, guest::fd_path(target.get()).c_str(), nullptr, MS_MOVE, nullptr) < 0)
      return fail_errno(fmt::format("move {} to the new root", path));
  }
  return {};
}

}  // namespace

Result<> switch_root() {
  // pivot_root(2) refuses the initramfs as the old root, so the new root is moved over it (switch_root(8) does the
  // same).
  auto initramfs = TRY(host::open_file("/", O_RDONLY | O_DIRECTORY));
  TRY(move_mounts());
  if (::chdir(kNewRoot) < 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0 || ::chroot(".") < 0 ||
      ::chdir("/") < 0)
    return fail_errno("switch to the new root");
  remove_contents(std::move(initramfs));
  return {};
}

}  // namespace banger::roles::agent::init
