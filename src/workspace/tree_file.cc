#include "workspace/tree_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/bounds.h"
#include "base/text.h"
#include "host/digest.h"
#include "host/files.h"
#include "workspace/bounds.h"

namespace banger::workspace {

Result<UniqueFd> open_in_tree(int top, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (flags & O_PATH) how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  // A symlink at the end is no error with O_PATH and O_NOFOLLOW (openat2(2)).
  auto fd = ::syscall(SYS_openat2, top, path.c_str(), &how, sizeof how);
  if (fd < 0) return fail_errno(printable(path));
  return UniqueFd(static_cast<int>(fd));
}

Result<std::string> read_in_tree(int top, const std::string& path, std::size_t most) {
  auto place = TRY(open_in_tree(top, path, O_PATH));
  struct stat info{};
  if (::fstat(place.get(), &info) < 0) return fail_errno(printable(path));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, printable(path) + " is no regular file");
  auto file = TRY(open_in_tree(top, path, O_RDONLY));
  return host::read_all(file.get(), printable(path), most);
}

Result<std::string> target_of(int link) {
  std::string target(limits::kPathBytes + 1, '\0');
  auto size = ::readlinkat(link, "", target.data(), target.size());
  if (size < 0) return fail_errno("read a symlink");
  target.resize(static_cast<std::size_t>(size));
  return target;
}

Result<FileState> state_of(int top, const std::string& path) {
  auto place = TRY(open_in_tree(top, path, O_PATH));
  struct stat info{};
  if (::fstat(place.get(), &info) < 0) return fail_errno(printable(path));
  if (S_ISLNK(info.st_mode)) return FileState{.link = true, .hash = host::sha256_hex(TRY(target_of(place.get())))};
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid, printable(path) + " is no regular file");
  auto file = TRY(open_in_tree(top, path, O_RDONLY));
  host::Sha256 hash;
  std::string buffer(limits::kTreeReadBytes, '\0');
  for (;;) {
    auto count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(printable(path));
    if (count == 0) break;
    hash.add(std::string_view(buffer).substr(0, static_cast<std::size_t>(count)));
  }
  return FileState{.executable = (info.st_mode & S_IXUSR) != 0, .hash = hash.finish()};
}

}  // namespace banger::workspace
