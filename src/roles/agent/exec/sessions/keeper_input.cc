#include "roles/agent/exec/sessions/keeper_input.h"

#include <sys/socket.h>

#include <cerrno>

#include "link/bounds.h"

namespace banger::roles::agent {

void retry_client(KeeperClient& client, const TakeFrame& take) {
  if (client.waiting && !take(*client.waiting)) return;
  client.waiting.reset();
  for (;;) {
    auto frame = client.decoder.next();
    if (!frame) client.over = true;
    if (!frame || !*frame) return;
    if (take(**frame)) continue;
    client.waiting = std::move(**frame);
    return;
  }
}

void read_client(KeeperClient& client, const TakeFrame& take) {
  char chunk[limits::kLinkFrameBytes];
  auto got = ::recv(client.socket.get(), chunk, sizeof chunk, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    client.over = true;
    return;
  }
  client.decoder.feed({chunk, static_cast<std::size_t>(got)});
  retry_client(client, take);
}

void notify_client(const KeeperClient& client) {
  (void)::send(client.socket.get(), "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace banger::roles::agent
