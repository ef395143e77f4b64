// One byte channel without blocking: a virtio-serial port, a vsock, a socket, a pty. Says "gone" when there is nobody
// at the other end, which is not for ever on a virtio-serial port (Linux drivers/char/virtio_console.c: read() returns
// 0).
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
  /// Returns when it may be ready, when the deadline passed, when closed, or for no reason: try again and look.
  Task<> readable(host::Deadline deadline = host::Deadline::max());
  Task<> writable(host::Deadline deadline = host::Deadline::max());
  /// Wakes those who wait.
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
