// Unix stream sockets at paths of any length, never reachable by another user.
// sun_path holds 108 bytes; longer paths go through /proc/self/fd of the directory (proc(5)).
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::host {

/// Connects (blocking). `not_found` when there is no socket, `unavailable` when nobody listens (a stale socket).
Result<UniqueFd> connect_unix(const std::string& path);

/// Binds and listens with mode 0600 from the first instant. `exists` when the path is taken: the caller decides whether it is stale.
Result<UniqueFd> listen_unix(const std::string& path, int backlog = 64);

struct Peer {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};
/// Who is at the other end (SO_PEERCRED, unix(7)).
Result<Peer> peer_of(int socket_fd);

}  // namespace banger::host
