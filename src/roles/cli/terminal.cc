#include "roles/cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace banger::roles::cli {

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

Result<RawMode> RawMode::enter(int fd) {
  termios saved{};
  if (::tcgetattr(fd, &saved) < 0) return fail_errno("read the terminal's mode");
  termios raw = saved;
  ::cfmakeraw(&raw);
  if (::tcsetattr(fd, TCSADRAIN, &raw) < 0) return fail_errno("set the terminal to raw mode");
  return RawMode(fd, saved);
}

RawMode::~RawMode() {
  if (fd_ >= 0) (void)::tcsetattr(fd_, TCSADRAIN, &saved_);
}

Result<Signals> Signals::of(std::initializer_list<int> numbers) {
  sigset_t wanted, saved;
  sigemptyset(&wanted);
  for (int number : numbers) sigaddset(&wanted, number);
  if (::sigprocmask(SIG_BLOCK, &wanted, &saved) < 0) return fail_errno("block signals");
  UniqueFd fd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return fail_errno("signalfd");
  return Signals(std::move(fd), saved);
}

Signals::~Signals() {
  if (!fd_) return;
  while (take()) {
  }
  ::sigprocmask(SIG_SETMASK, &saved_, nullptr);
}

Result<bool> Signals::wait_for(std::chrono::milliseconds time) const {
  pollfd waiting{fd_.get(), POLLIN, 0};
  int ready = ::poll(&waiting, 1, static_cast<int>(time.count()));
  if (ready < 0 && errno != EINTR) return fail_errno("wait for signals");
  return ready > 0;
}

std::optional<int> Signals::take_signal(int fd) {
  signalfd_siginfo info{};
  if (::read(fd, &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace banger::roles::cli
