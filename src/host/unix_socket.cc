#include "host/unix_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "host/bounds.h"
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
    if (name.size() >= sizeof address.sun.sun_path)
      return fail(ErrorCode::invalid, fmt::format("{}: name too long for a socket", path));
  }
  std::memcpy(address.sun.sun_path, name.c_str(), name.size() + 1);
  return address;
}

struct FdRoom {
  alignas(cmsghdr) char bytes[CMSG_SPACE(limits::kPassedFds * sizeof(int))] = {};
};

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
  // On Linux, bind(2) gives the file the mode of the unbound socket's inode. So the mode is never wider than this.
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

Result<std::size_t> send_with_fds(int socket_fd, std::string_view bytes, std::span<const UniqueFd> fds, int flags) {
  if (fds.size() > limits::kPassedFds)
    return fail(ErrorCode::internal, fmt::format("{} descriptors in one message", fds.size()));
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  FdRoom room;
  if (!fds.empty()) {
    message.msg_control = room.bytes;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    for (std::size_t i = 0; i < fds.size(); ++i) {
      int fd = fds[i].get();
      std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
    }
  }
  ssize_t sent;
  do sent = ::sendmsg(socket_fd, &message, MSG_NOSIGNAL | flags);
  while (sent < 0 && errno == EINTR);
  if (sent < 0) return fail_errno("send");
  return static_cast<std::size_t>(sent);
}

Result<bool> receive_with_fds(int socket_fd, std::string& bytes, std::vector<UniqueFd>& fds, int flags) {
  std::string chunk(limits::kReceiveBytes, '\0');
  iovec part{chunk.data(), chunk.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  FdRoom room;
  message.msg_control = room.bytes;
  message.msg_controllen = sizeof room.bytes;
  ssize_t count;
  do count = ::recvmsg(socket_fd, &message, flags | MSG_CMSG_CLOEXEC);
  while (count < 0 && errno == EINTR);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return fail(ErrorCode::busy, "nothing to receive yet");
  if (count < 0) return fail_errno("receive");
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (std::size_t at = 0; CMSG_LEN(at + sizeof(int)) <= header->cmsg_len; at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + at, sizeof fd);
      fds.emplace_back(fd);
    }
  }
  if (message.msg_flags & MSG_CTRUNC) return fail(ErrorCode::invalid, "more descriptors than expected");
  bytes.append(chunk, 0, static_cast<std::size_t>(count));
  return count > 0;
}

}  // namespace banger::host
