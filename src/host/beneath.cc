#include "host/beneath.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/bounds.h"
#include "base/text.h"
#include "host/bounds.h"

namespace banger::host {

namespace {

constexpr std::uint64_t kNoLinks = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/// Without a descriptor, errno has the reason.
UniqueFd try_open(int directory, const std::string& path, int flags, mode_t mode, std::uint64_t resolve) {
  open_how how{.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
  long fd = -1;
  for (int attempt = 0; attempt < limits::kOpenBeneathAttempts; ++attempt) {
    fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
  }
  return UniqueFd(static_cast<int>(fd));
}

Result<UniqueFd> open_resolved(int directory, const std::string& path, int flags, mode_t mode, std::uint64_t resolve) {
  auto file = try_open(directory, path, flags | O_NOFOLLOW, mode, resolve);
  if (file) return file;
  if (errno == ELOOP || errno == EXDEV)
    return fail(ErrorCode::denied,
                fmt::format("{}: the path contains a link, or leaves its directory", printable(path)));
  return fail_errno(printable(path));
}

std::string_view without_end_slash(std::string_view root) {
  while (root.size() > 1 && root.ends_with('/')) root.remove_suffix(1);
  return root;
}

}  // namespace

Result<> check_plain_path(std::string_view path) {
  if (!path.starts_with('/'))
    return fail(ErrorCode::invalid, fmt::format("'{}' is not an absolute path", printable(path)));
  if (path.size() > limits::kPathBytes) return fail(ErrorCode::invalid, "a path is too long");
  if (path.find('\0') != path.npos) return fail(ErrorCode::invalid, "a path has a zero byte");
  for (auto part : split(path.substr(1), '/'))
    if (part.empty() || part == "." || part == "..")
      return fail(ErrorCode::invalid,
                  fmt::format("'{}' is not a plain path: it has empty, '.' or '..' parts", printable(path)));
  return {};
}

Result<UniqueFd> open_beneath(std::span<const std::string> roots, std::string_view path, int flags, mode_t mode) {
  TRY(check_plain_path(path));
  for (std::string_view root : roots) {
    root = without_end_slash(root);
    if (!path.starts_with(root) || path.size() <= root.size() + 1 || path[root.size()] != '/') continue;
    auto directory = TRY(open_resolved(AT_FDCWD, std::string(root), O_PATH | O_DIRECTORY, 0, kNoLinks));
    return open_resolved(directory.get(), std::string(path.substr(root.size() + 1)), flags, mode,
                         kNoLinks | RESOLVE_BENEATH);
  }
  return fail(ErrorCode::denied, fmt::format("{}: is outside of the directories that are allowed", printable(path)));
}

Result<UniqueFd> open_owned_file(std::span<const std::string> roots, std::string_view path, int flags, uid_t owner) {
  // Open without side effects first: opening a pipe or a device may do something, or wait.
  auto held = TRY(open_beneath(roots, path, O_PATH));
  struct stat info{};
  if (::fstat(held.get(), &info) < 0) return fail_errno(printable(path));
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::denied, fmt::format("{}: is not a regular file", printable(path)));
  if (info.st_uid != owner)
    return fail(ErrorCode::denied, fmt::format("{}: belongs to user {}", printable(path), info.st_uid));
  if (info.st_nlink != 1)
    return fail(ErrorCode::denied, fmt::format("{}: has {} names", printable(path), info.st_nlink));
  UniqueFd file(::open(path_of_fd(held).c_str(), (flags & ~(O_CREAT | O_NOFOLLOW)) | O_CLOEXEC));
  if (!file) return fail_errno(printable(path));
  return file;
}

Result<UniqueFd> open_regular_beneath(int directory, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  auto file = try_open(directory, path, kFlags, 0, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
  if (!file && errno == EXDEV)
    return std::unexpected(
        Error{ErrorCode::denied, fmt::format("{}: the link leads out of its directory", printable(path)), EXDEV});
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) < 0) return fail_errno(printable(path));
  if (S_ISREG(info.st_mode)) return file;
  return fail(ErrorCode::invalid, fmt::format("{} is not a regular file", printable(path)));
}

std::string path_of_fd(const UniqueFd& fd) { return fmt::format("/proc/self/fd/{}", fd.get()); }

}  // namespace banger::host
