#include "net/bound_socket.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace banger::net {

Result<UniqueFd> bound_socket(int type, const host::Endpoint& where, int backlog) {
  UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("socket");
  int on = 1;
  if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(where.port), .sin_addr = {htonl(where.address)}, .sin_zero = {}};
  bool bound = ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
               (type != SOCK_STREAM || ::listen(socket.get(), backlog) == 0);
  if (!bound && errno == EADDRINUSE) return fail(ErrorCode::busy, fmt::format("{} is in use", to_string(where)));
  if (!bound) return fail_errno(fmt::format("listen on {}", to_string(where)));
  return socket;
}

}  // namespace banger::net
