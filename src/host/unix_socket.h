// Unix stream sockets at paths of any length, never reachable by another user.
// sun_path holds 108 bytes; longer paths go through /proc/self/fd of the directory (proc(5)).
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// Connects (blocking). `not_found` when there is no socket, `unavailable` when no process listens (a stale socket).
Result<UniqueFd> connect_unix(const std::string& path);

/// Binds and listens, with mode 0600 from the first instant. `exists` when the path is taken. The caller decides
/// whether the existing socket is stale.
Result<UniqueFd> listen_unix(const std::string& path, int backlog = 64);

struct Peer {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
/// The process at the other end (SO_PEERCRED, unix(7)).
Result<Peer> peer_of(int socket_fd);

/// Sends as many of `bytes` as fit (at least one), and `fds` (borrowed) with the first byte (SCM_RIGHTS). Blocks unless
/// the socket is non-blocking or `flags` has MSG_DONTWAIT. Never raises SIGPIPE. Returns the number of bytes sent.
Result<std::size_t> send_with_fds(int socket_fd, std::string_view bytes, std::span<const UniqueFd> fds = {},
                                  int flags = 0);

/// Appends the available bytes, at most 64 KiB, to `bytes`, and descriptors to `fds`, close-on-exec. False at the end
/// of the stream. `busy` when nothing is available and the socket is non-blocking or `flags` has MSG_DONTWAIT.
/// `invalid` when descriptors were cut off.
Result<bool> receive_with_fds(int socket_fd, std::string& bytes, std::vector<UniqueFd>& fds, int flags = 0);

}  // namespace banger::host
