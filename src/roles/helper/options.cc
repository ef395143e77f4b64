#include "roles/helper/options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.h"
#include "host/files.h"
#include "host/unix_socket.h"

namespace banger::roles::helper {

namespace {

constexpr int kFirstActivated = 3;  // SD_LISTEN_FDS_START

Result<> check_listener(int fd) {
  int listens = 0, domain = 0;
  socklen_t length = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) < 0) return fail_errno("the socket from systemd");
  length = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return fail_errno("the socket from systemd");
  if (!listens || domain != AF_UNIX)
    return fail(ErrorCode::invalid, "the socket from systemd is not a listening Unix socket");
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return {};
}

// In a directory that another user can write, that user could replace the socket.
Result<> prepare_directory(const std::string& path) {
  TRY(host::make_directories(path, 0755));
  struct stat info{};
  if (::lstat(path.c_str(), &info) < 0) return fail_errno(path);
  if (!S_ISDIR(info.st_mode) || info.st_uid != 0 || (info.st_mode & 022))
    return fail(ErrorCode::denied, fmt::format("{} is not a directory that only root can change", path));
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<char* const> arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); i += 2) {
    std::string_view name = arguments[i];
    std::string* value = name == "--config" ? &options.install_file : name == "--socket" ? &options.socket : nullptr;
    if (!value || i + 1 == arguments.size() || arguments[i + 1][0] != '/')
      return fail(ErrorCode::invalid, "usage: bangerd-root [--config FILE] [--socket PATH], with absolute paths");
    *value = arguments[i + 1];
  }
  return options;
}

Result<UniqueFd> activated_listener(const host::GetEnv& env) {
  auto pid = env("LISTEN_PID"), count = env("LISTEN_FDS");
  if (!pid || *pid != std::to_string(::getpid()) || !count) return UniqueFd();
  if (*count != "1")
    return fail(ErrorCode::invalid, fmt::format("systemd gave {} sockets instead of one", printable(*count, 8)));
  TRY(check_listener(kFirstActivated));
  return UniqueFd(kFirstActivated);
}

Result<UniqueFd> own_listener(const std::string& path, uid_t owner) {
  TRY(prepare_directory(std::filesystem::path(path).parent_path().string()));
  if (host::connect_unix(path))
    return fail(ErrorCode::exists, fmt::format("another root helper already listens on {}", path));
  TRY(host::remove_file(path));
  auto listener = TRY(host::listen_unix(path));
  if (::lchown(path.c_str(), owner, static_cast<gid_t>(-1)) < 0) return fail_errno(path);
  return listener;
}

}  // namespace banger::roles::helper
