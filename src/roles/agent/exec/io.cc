#include "roles/agent/exec/io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host/files.h"

namespace banger::roles::agent {

namespace {

Result<> make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("make a pipe");
  read_end = UniqueFd(fds[0]);
  write_end = UniqueFd(fds[1]);
  return {};
}

}  // namespace

Result<Stdio> make_pipes(uid_t uid, gid_t gid) {
  Stdio stdio;
  TRY(make_pipe(stdio.child_input, stdio.input));
  TRY(make_pipe(stdio.output, stdio.child_output));
  TRY(make_pipe(stdio.errors, stdio.child_errors));
  if (uid == ::geteuid()) return stdio;
  for (int fd : {stdio.child_input.get(), stdio.child_output.get(), stdio.child_errors.get()})
    if (::fchown(fd, uid, gid) < 0) return fail_errno("give a pipe to the user");
  return stdio;
}

Result<Stdio> make_terminal(uid_t uid, std::uint16_t rows, std::uint16_t columns) {
  Stdio stdio;
  stdio.output = UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!stdio.output)
    return fail(ErrorCode::unsupported,
                fmt::format("the guest has no pseudo-terminals: {}", fail_errno("/dev/ptmx").error().message),
                "run the command without a terminal");
  int unlock = 0;
  if (::ioctl(stdio.output.get(), TIOCSPTLCK, &unlock) < 0) return fail_errno("unlock the terminal");
  // Open by descriptor, not by name: /dev/pts may be another mount than that of /dev/ptmx (ioctl_tty(2)).
  stdio.child_input = UniqueFd(::ioctl(stdio.output.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!stdio.child_input) return fail_errno("open the terminal");
  if (uid != ::geteuid() && ::fchown(stdio.child_input.get(), uid, static_cast<gid_t>(-1)) < 0)
    return fail_errno("give the terminal to the user");
  TRY(resize_terminal(stdio.output.get(), rows, columns));
  return stdio;
}

Result<> resize_terminal(int master_fd, std::uint16_t rows, std::uint16_t columns) {
  winsize size{.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  if (::ioctl(master_fd, TIOCSWINSZ, &size) < 0) return fail_errno("resize the terminal");
  return {};
}

void end_terminal_input(int master_fd, bool mid_line) {
  termios settings{};
  if (::tcgetattr(master_fd, &settings) < 0 || !(settings.c_lflag & ICANON)) return;
  // The first end-of-file character only passes an unfinished line to the reader (termios(3), VEOF).
  char ends[2] = {static_cast<char>(settings.c_cc[VEOF]), static_cast<char>(settings.c_cc[VEOF])};
  [[maybe_unused]] auto ignored = ::write(master_fd, ends, mid_line ? 2 : 1);
}

}  // namespace banger::roles::agent
