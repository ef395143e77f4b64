// A channel whose guest side is a socket: a forwarded port, or the client's authentication agent.
#pragma once

#include <functional>

#include "base/unique_fd.h"
#include "roles/agent/ssh/channel.h"
#include "roles/agent/ssh/pump.h"

namespace banger::roles::agent::ssh {

class SocketChannel final : public Channel {
 public:
  /// Opens the channel, and may be called again until it is open: SSH_OK, SSH_AGAIN, or SSH_ERROR.
  using Open = std::function<int(ssh_channel)>;

  /// `open` is empty for a channel that the client has opened. The socket does not block, and may be connecting.
  SocketChannel(ssh_channel channel, UniqueFd socket, Open open = {})
      : Channel(channel), socket_(std::move(socket)), open_(std::move(open)) {}

  void watch(std::vector<pollfd>& watched) const override;
  bool work() override;
  bool over() const override { return over_; }
  void hang_up() override { over_ = true; }
  bool hurries() const override { return open_ != nullptr; }

 private:
  bool open();
  void end();

  UniqueFd socket_;
  Open open_;
  Inward inward_;
  bool connected_ = false, shut_ = false, ended_ = false, over_ = false;
};

}  // namespace banger::roles::agent::ssh
