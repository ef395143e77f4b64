// A channel of a connection: a command, or a forwarded port.
#pragma once

#include <poll.h>

#include <vector>

#include "roles/agent/ssh/libssh.h"

namespace banger::roles::agent::ssh {

class Channel {
 public:
  explicit Channel(ssh_channel channel) : channel_(channel) {}
  virtual ~Channel() { ssh_channel_free(channel_); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Adds the descriptors to wait for.
  virtual void watch(std::vector<pollfd>& watched) const = 0;
  /// Does what can be done without waiting. Returns whether something was done.
  virtual bool work() = 0;
  /// Both sides are at their end.
  virtual bool over() const = 0;
  /// The connection has ended.
  virtual void hang_up() = 0;
  /// Whether it must work again after a short time, although no descriptor is ready.
  virtual bool hurries() const { return false; }

 protected:
  ssh_channel channel() const { return channel_; }

 private:
  ssh_channel channel_;  // owned
};

}  // namespace banger::roles::agent::ssh
