#include "roles/agent/exec/sessions/keeper_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "roles/agent/bounds.h"

namespace banger::roles::agent {

namespace {

Result<sockaddr_un> address_in(const std::string& session_directory) {
  auto path = session_directory + "/socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::invalid, fmt::format("{}: the path is too long for a socket", path));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

Result<UniqueFd> make_socket() {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("make a socket");
  return socket;
}

}  // namespace

Result<UniqueFd> listen_as_keeper(const std::string& session_directory) {
  auto address = TRY(address_in(session_directory));
  auto socket = TRY(make_socket());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(socket.get(), limits::kKeeperClients) < 0)
    return fail_errno(session_directory + "/socket");
  return socket;
}

Result<UniqueFd> connect_to_keeper(const std::string& session_directory) {
  auto address = TRY(address_in(session_directory));
  auto socket = TRY(make_socket());
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  if (errno == EAGAIN) return fail(ErrorCode::busy, "the session has too many clients", "end some of them");
  return fail(ErrorCode::not_found, "the session has ended");
}

}  // namespace banger::roles::agent
