// Which init an image has. Reads files only; runs no program of the image.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/bounds.h"
#include "roles/agent/init/boot.h"

namespace banger::roles::agent::init {

namespace {

using guest::Root;

// The kernel's own list (init/main.c), then systemd, which may be installed without a link from /sbin/init.
constexpr const char* kCandidates[] = {"/sbin/init", "/etc/init", "/bin/init", "/usr/lib/systemd/systemd",
                                       "/lib/systemd/systemd"};
constexpr std::size_t kInittabBytes = 1 << 20;

/// The file name behind all symlinks, or empty when it is not a program.
std::string program_name(const Root& root, const std::string& path) {
  auto fd = root.open_path(path, O_PATH);
  struct stat info{};
  if (!fd || ::fstat(fd->get(), &info) < 0 || !S_ISREG(info.st_mode) || !(info.st_mode & 0111)) return "";
  std::error_code error;
  return std::filesystem::read_symlink(guest::fd_path(fd->get()), error).filename().string();
}

// Every busybox has the init applet. In a container image it was never set up, and would only respawn shells on
// terminals that do not exist.
std::string busybox_kind(const Root& root) {
  auto inittab = root.read_file("/etc/inittab", kInittabBytes);
  if (inittab && inittab->find("openrc") != inittab->npos) return root.exists("/sbin/openrc") ? "openrc" : "";
  return inittab || root.exists("/etc/init.d/rcS") ? "busybox" : "";
}

std::string kind_of(const Root& root, const std::string& program) {
  if (program.empty()) return "";
  if (program == "systemd") return "systemd";
  if (program.starts_with("openrc")) return "openrc";
  if (program.starts_with("runit")) return "runit";
  if (program.starts_with("busybox")) return busybox_kind(root);
  return root.exists("/sbin/openrc") ? "openrc" : "other";
}

}  // namespace

ImageInit find_init(const Root& root) {
  for (const char* path : kCandidates) {
    std::string kind = kind_of(root, program_name(root, path));
    if (!kind.empty()) return {path, kind};
  }
  return {"", "none"};
}

}  // namespace banger::roles::agent::init
