#include "roles/agent/ssh/pump.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "roles/agent/bounds.h"

namespace banger::roles::agent::ssh {

namespace {

bool must_wait() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

bool Inward::work(ssh_channel channel, int fd) {
  if (over_) return false;
  bool moved = false;
  if (queued_.empty() && !ended_) {
    std::array<char, limits::kSshPumpBytes> buffer;
    auto count = ssh_channel_read_nonblocking(channel, buffer.data(), buffer.size(), 0);
    if (count > 0) queued_.assign(buffer.data(), static_cast<std::size_t>(count));
    if (count > 0) mid_line_ = queued_.back() != '\n';
    ended_ = count < 0;
    moved = count != 0;
  }
  if (!queued_.empty()) {
    auto put = ::write(fd, queued_.data(), queued_.size());
    if (put > 0) queued_.erase(0, static_cast<std::size_t>(put));
    if (put < 0 && !must_wait()) over_ = true;
    moved = moved || put > 0 || over_;
  }
  over_ = over_ || (ended_ && queued_.empty());
  return moved;
}

bool takes_more(ssh_channel channel) {
  // Without the second part, libssh would keep all bytes that a slow client does not take.
  return ssh_channel_window_size(channel) > 0 &&
         !(ssh_get_poll_flags(ssh_channel_get_session(channel)) & SSH_WRITE_PENDING);
}

Moved pump_outward(int fd, ssh_channel channel, To to) {
  if (!takes_more(channel)) return Moved::nothing;
  std::array<char, limits::kSshPumpBytes> buffer;
  auto room = std::min<std::size_t>(buffer.size(), ssh_channel_window_size(channel));
  auto got = ::read(fd, buffer.data(), room);
  if (got < 0 && must_wait()) return Moved::nothing;
  // A terminal ends with EIO.
  if (got <= 0) return Moved::end;
  auto write = to == To::output ? ssh_channel_write : ssh_channel_write_stderr;
  return write(channel, buffer.data(), static_cast<std::uint32_t>(got)) == got ? Moved::some : Moved::end;
}

}  // namespace banger::roles::agent::ssh
