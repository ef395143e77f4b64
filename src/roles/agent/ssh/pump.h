// Bytes between a channel and descriptors. Nothing waits, and memory is bounded: what cannot go on stays where it is.
#pragma once

#include <string>

#include "roles/agent/ssh/libssh.h"

namespace banger::roles::agent::ssh {

/// From the client to a descriptor.
class Inward {
 public:
  /// Moves what can be moved. Returns whether something was.
  bool work(ssh_channel channel, int fd);
  bool wants_write() const { return !queued_.empty(); }
  /// The client's bytes have ended and are all written, or the reader reads no more.
  bool over() const { return over_; }
  /// Whether the last byte was not a newline.
  bool mid_line() const { return mid_line_; }

 private:
  std::string queued_;
  bool over_ = false;
  bool ended_ = false;  // the client's bytes have
  bool mid_line_ = false;
};

enum class To { output, errors };
enum class Moved { nothing, some, end };

/// From a descriptor to the client. Moved::end at the end of the bytes, or when the client has gone.
Moved pump_outward(int fd, ssh_channel channel, To to);

/// Whether the client takes more bytes.
bool takes_more(ssh_channel channel);

}  // namespace banger::roles::agent::ssh
