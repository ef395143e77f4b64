// The terminal of this process: its size, its raw mode, and the signals of a foreground program.
#pragma once

#include <signal.h>
#include <termios.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"

namespace banger::roles::cli {

struct TerminalSize {
  std::uint16_t rows = 24, columns = 80;
};
/// 24 × 80 when `fd` is not a terminal, or when the terminal does not know its size.
TerminalSize terminal_size(int fd);

/// Sets the terminal `fd` (borrowed) to raw mode until the object is destroyed. All keys go to the guest, also Ctrl-C.
/// The CLI always runs the destructor, because signals arrive through Signals and end no process.
class RawMode {
 public:
  /// Fails when `fd` is not a terminal.
  static Result<RawMode> enter(int fd);
  RawMode(RawMode&& other) noexcept : fd_(std::exchange(other.fd_, -1)), saved_(other.saved_) {}
  RawMode& operator=(RawMode&&) = delete;
  ~RawMode();

 private:
  RawMode(int fd, const termios& saved) : fd_(fd), saved_(saved) {}
  int fd_;
  termios saved_;
};

/// While the object lives, the given signals arrive through fd() (signalfd(2)) and do not end the process. The
/// destructor drops pending signals, because the command has handled the interrupt by then.
class Signals {
 public:
  /// SIGINT, SIGTERM and SIGHUP.
  static Result<Signals> interrupts() { return of({SIGINT, SIGTERM, SIGHUP}); }
  static Result<Signals> of(std::initializer_list<int> numbers);
  Signals(Signals&&) noexcept = default;
  Signals& operator=(Signals&&) = delete;
  ~Signals();

  /// Becomes readable when a signal arrives. Waiting on the descriptor does not consume the signal.
  int fd() const { return fd_.get(); }
  /// Waits for a signal, at most so long. Returns whether a signal is pending, and does not consume it.
  Result<bool> wait_for(std::chrono::milliseconds time) const;
  /// Consumes the next pending signal and returns its number.
  std::optional<int> take() const { return take_signal(fd_.get()); }
  /// The same, from any descriptor that carries signalfd_siginfo records.
  static std::optional<int> take_signal(int fd);

 private:
  Signals(UniqueFd fd, const sigset_t& saved) : fd_(std::move(fd)), saved_(saved) {}
  UniqueFd fd_;
  sigset_t saved_;
};

}  // namespace banger::roles::cli
