// One byte channel without blocking: a virtio-serial port, a vsock, a socket, a pty. Says "gone" when the other end is
// not open. On a virtio-serial port a peer can come back (Linux drivers/char/virtio_console.c: read() returns 0).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/unique_fd.h"
#include "host/runtime.h"

namespace banger::link {

struct IoStep {
  enum class Kind { done, again, gone, failed };
  Kind kind = Kind::done;
  std::size_t bytes = 0;
  int error_number = 0;  ///< of `failed`, or 0
};

class Channel {
 public:
  /// Makes the descriptor non-blocking. `invalid` for a regular file, which cannot be waited on.
  static Result<std::unique_ptr<Channel>> take(host::Runtime& runtime, UniqueFd fd);
  ~Channel();

  IoStep read(std::span<char> into);
  IoStep write(std::string_view bytes);
  /// Returns when the channel may be ready, after the deadline, after close(), or for no reason. Try again to find out.
  Task<> readable(host::Deadline deadline = host::Deadline::max());
  Task<> writable(host::Deadline deadline = host::Deadline::max());
  /// Wakes all waiting coroutines.
  void close();
  bool closed() const;

 private:
  struct Impl;
  explicit Channel(std::shared_ptr<Impl> impl);
  static Task<> wait(std::shared_ptr<Impl> impl, int what, host::Deadline deadline);
  std::shared_ptr<Impl> impl_;
};

/// Lets other coroutines run.
Task<> yield_once(host::Runtime& runtime);

}  // namespace banger::link
