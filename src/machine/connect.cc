#include "machine/connect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "host/files.h"

namespace banger::machine {

// host::connect_unix would block for as long as a stuck VMM leaves its backlog full. This function fails at once.
Result<UniqueFd> connect_now(const std::string& directory, std::string_view name) {
  auto path = fmt::format("{}/{}", directory, name);
  auto parent = TRY(host::open_file(directory, O_PATH | O_DIRECTORY));
  sockaddr_un address{.sun_family = AF_UNIX};
  auto short_path = fmt::format("/proc/self/fd/{}/{}", parent.get(), name);
  if (short_path.size() >= sizeof address.sun_path)
    return fail(ErrorCode::invalid, fmt::format("{}: name too long for a socket", path));
  std::memcpy(address.sun_path, short_path.c_str(), short_path.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) {
    if (errno == EAGAIN) return fail(ErrorCode::busy, fmt::format("{}: the VMM does not accept connections", path));
    return fail_errno(path);
  }
  if (::fcntl(fd.get(), F_SETFL, 0) < 0) return fail_errno(path);
  return fd;
}

}  // namespace banger::machine
