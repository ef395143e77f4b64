// The terminal we are on: its size, raw mode that is always undone, and the signals a foreground program gets.
#pragma once

#include <signal.h>
#include <termios.h>

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::cli {

struct TerminalSize {
  std::uint16_t rows = 24, columns = 80;
};
/// 24 × 80 when `fd` is no terminal or does not know.
TerminalSize terminal_size(int fd);

/// Raw mode on `fd` (borrowed) for as long as it lives: keys go to the guest unread, Ctrl-C included.
/// Every way out of the CLI goes through its destructor because signals arrive through Signals.
class RawMode {
 public:
  /// Fails when fd is no terminal.
  static Result<RawMode> enter(int fd);
  RawMode(RawMode&& other) noexcept : fd_(std::exchange(other.fd_, -1)), saved_(other.saved_) {}
  RawMode& operator=(RawMode&&) = delete;
  ~RawMode();

 private:
  RawMode(int fd, const termios& saved) : fd_(fd), saved_(saved) {}
  int fd_;
  termios saved_;
};

/// While it lives the given signals come through fd() (signalfd(2)) instead of ending the process. What is still
/// pending when it goes is dropped: whoever held it has answered the interrupt.
class Signals {
 public:
  /// SIGINT, SIGTERM and SIGHUP.
  static Result<Signals> interrupts() { return of({SIGINT, SIGTERM, SIGHUP}); }
  static Result<Signals> of(std::initializer_list<int> numbers);
  Signals(Signals&&) noexcept = default;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  /// Readable when a signal is there. Never consumed by who only waits for it.
  int fd() const { return fd_.get(); }
  /// The next pending signal's number, if any.
  std::optional<int> take() const { return take_signal(fd_.get()); }
  /// The same from any descriptor that carries signalfd_siginfo records.
  static std::optional<int> take_signal(int fd);

 private:
  Signals(UniqueFd fd, const sigset_t& saved) : fd_(std::move(fd)), saved_(saved) {}
  UniqueFd fd_;
  sigset_t saved_;
};

}  // namespace banger::roles::cli
