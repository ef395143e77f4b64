#include "host/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "host/files.h"

namespace banger::host {

namespace {

struct Address {
  UniqueFd directory;  // keeps the /proc/self/fd name valid
  sockaddr_un sun{};
};

Result<Address> address_of(const std::string& path) {
  Address address;
  address.sun.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.sun.sun_path) {
    std::filesystem::path full(path);
    address.directory = TRY(open_file(full.parent_path().string(), O_PATH | O_DIRECTORY));
    name = fmt::format("/proc/self/fd/{}/{}", address.directory.get(), full.filename().string());
    if (name.size() >= sizeof address.sun.sun_path) return fail(ErrorCode::invalid, fmt::format("{}: name too long for a socket", path));
  }
  std::memcpy(address.sun.sun_path, name.c_str(), name.size() + 1);
  return address;
}

}  // namespace

Result<UniqueFd> connect_unix(const std::string& path) {
  auto address = TRY(address_of(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  int rc;
  do rc = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address.sun), sizeof address.sun);
  while (rc < 0 && errno == EINTR);
  if (rc < 0) return fail_errno(path);
  return fd;
}

Result<UniqueFd> listen_unix(const std::string& path, int backlog) {
  auto address = TRY(address_of(path));
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  // On Linux bind(2) gives the file the mode of the unbound socket's inode, so it is never looser than this.
  if (::fchmod(fd.get(), 0600) < 0) return fail_errno("fchmod");
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address.sun), sizeof address.sun) < 0) return fail_errno(path);
  if (::listen(fd.get(), backlog) < 0) {
    int error = errno;
    ::unlink(path.c_str());
    return fail_errno(path, error);
  }
  return fd;
}

Result<Peer> peer_of(int socket_fd) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return fail_errno("SO_PEERCRED");
  return Peer{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace banger::host
