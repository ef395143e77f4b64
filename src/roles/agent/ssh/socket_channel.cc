#include "roles/agent/ssh/socket_channel.h"

#include <sys/socket.h>

namespace banger::roles::agent::ssh {

void SocketChannel::watch(std::vector<pollfd>& watched) const {
  if (over_ || open_) return;
  short events = 0;
  if (!ended_ && takes_more(channel())) events |= POLLIN;
  if (!connected_ || inward_.wants_write()) events |= POLLOUT;
  if (socket_ && events) watched.push_back({socket_.get(), events, 0});
}

bool SocketChannel::open() {
  int state = open_(channel());
  if (state == SSH_AGAIN) return false;
  open_ = {};
  if (state != SSH_OK) over_ = true;
  return state == SSH_OK;
}

// A failed connection ends the channel, because the client already has it.
bool SocketChannel::work() {
  if (over_ || (open_ && !open())) return false;
  if (ssh_channel_is_closed(channel()) || !ssh_channel_is_open(channel())) {
    over_ = true;
    return false;
  }
  if (!connected_) {
    pollfd ready{socket_.get(), POLLOUT, 0};
    if (::poll(&ready, 1, 0) <= 0) return false;
    connected_ = true;
  }
  bool moved = false;
  if (!shut_) moved = inward_.work(channel(), socket_.get());
  if (!shut_ && inward_.over()) {
    shut_ = true;
    ::shutdown(socket_.get(), SHUT_WR);
  }
  if (!ended_) {
    auto outward = pump_outward(socket_.get(), channel(), To::output);
    moved = moved || outward != Moved::nothing;
    ended_ = outward == Moved::end;
    if (ended_) ssh_channel_send_eof(channel());
  }
  if (shut_ && ended_) end();
  return moved;
}

void SocketChannel::end() {
  over_ = true;
  ssh_channel_close(channel());
}

}  // namespace banger::roles::agent::ssh
