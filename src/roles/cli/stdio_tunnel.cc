#include "roles/cli/stdio_tunnel.h"

#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/unique_fd.h"
#include "host/files.h"
#include "roles/cli/bounds.h"
#include "rpc/chunks.h"

namespace banger::roles::cli {

namespace {

/// Waits until `fd` is ready. False when `stop` becomes readable first.
bool wait_for(int fd, short events, int stop) {
  for (;;) {
    pollfd waiting[2] = {{fd, events, 0}, {stop, POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return false;
    if (waiting[1].revents) return false;
    if (waiting[0].revents) return true;
  }
}

/// The caller → the guest, in a thread of its own. So neither direction waits for the other.
void send_input(const StdioTunnel& ends, int done) {
  char buffer[limits::kForwardReadBytes];
  while (wait_for(ends.in, POLLIN, done)) {
    auto got = ::read(ends.in, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) break;
    // A socket that is shut down ends this write.
    if (!host::write_all(ends.tunnel, {buffer, static_cast<std::size_t>(got)})) return;
  }
  ::shutdown(ends.tunnel, SHUT_WR);
}

/// poll(2) says that a pipe has room for PIPE_BUF bytes. So no write blocks, and a signal always ends the wait.
bool write_output(const StdioTunnel& ends, std::string_view bytes) {
  while (!bytes.empty()) {
    if (!wait_for(ends.out, POLLOUT, ends.stop_fd)) return false;
    auto put = ::write(ends.out, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    if (put < 0 && errno != EINTR && errno != EAGAIN) return false;
    if (put > 0) bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

/// The guest → the caller.
Ending receive_output(const StdioTunnel& ends) {
  rpc::ChunkReader chunks;
  char buffer[limits::kForwardReadBytes];
  std::string_view bytes = ends.from_tunnel;
  for (;;) {
    if (!write_output(ends, chunks.feed(bytes))) return Ending::broken;
    if (chunks.ended()) return Ending::whole;
    if (!wait_for(ends.tunnel, POLLIN, ends.stop_fd)) return Ending::broken;
    auto got = ::recv(ends.tunnel, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return Ending::broken;
    bytes = {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
}

}  // namespace

Ending pump_stdio(const StdioTunnel& ends) {
  UniqueFd done(::eventfd(0, EFD_CLOEXEC));
  if (!done) return Ending::broken;
  std::thread sender(send_input, ends, done.get());
  auto ending = receive_output(ends);
  ::eventfd_write(done.get(), 1);
  ::shutdown(ends.tunnel, SHUT_RDWR);
  sender.join();
  return ending;
}

}  // namespace banger::roles::cli
