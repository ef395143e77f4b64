#include "client/start.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "base/text.h"
#include "client/bounds.h"
#include "host/child.h"
#include "host/files.h"
#include "host/unix_socket.h"

namespace banger::client {

namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

bool nobody_listens(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::unavailable;
}

void pause() {
  timespec wait{0, std::chrono::nanoseconds(limits::kStartRetry).count()};
  ::nanosleep(&wait, nullptr);
}

// Several clients may find no daemon at the same time. With this lock one client starts the daemon, and the others find
// it.
Result<UniqueFd> take_start_lock(const host::Paths& paths, SteadyClock::time_point deadline) {
  auto lock = TRY(host::open_file(paths.run() + "/start.lock", O_RDWR | O_CREAT, 0600));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(paths.run() + "/start.lock");
    if (SteadyClock::now() > deadline) return fail(ErrorCode::timeout, "another banger is still starting the daemon");
    pause();
  }
  return lock;
}

// Everything that the daemon writes to its ready descriptor. `timeout` when the daemon neither writes nor closes it.
Result<std::string> read_ready(int fd, SteadyClock::time_point deadline) {
  std::string text;
  while (text.size() < limits::kReadyMessageBytes) {
    auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now()).count();
    pollfd waiting{fd, POLLIN, 0};
    int ready = ::poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready == 0)
      return fail(ErrorCode::timeout,
                  fmt::format("the daemon was not ready after {}", format_duration(limits::kDaemonStartDeadline)));
    char chunk[512];
    auto count = ready < 0 ? -1 : ::read(fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("wait for the daemon");
    if (count == 0) break;
    text.append(chunk, static_cast<std::size_t>(count));
    if (text == "ok\n") break;
  }
  return text;
}

Result<host::Child> spawn_daemon(const DaemonProgram& program, const std::string& log_path, int ready_fd) {
  auto log = TRY(host::open_file(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  host::SpawnSpec spec{.argv = program.argv, .env = program.environment, .cwd = "/"};
  spec.argv.insert(spec.argv.end(), {"--ready-fd", "3"});
  spec.stdout_fd = spec.stderr_fd = log.get();
  spec.extra_fds = {{ready_fd, 3}};
  spec.new_session = true;
  return in("start the daemon", host::spawn(spec));
}

// REQUIRES: the caller holds the start lock. Returns the daemon's pid, or the reason why it did not start.
Result<pid_t> start_daemon(const DaemonProgram& program, const host::Paths& paths, SteadyClock::time_point deadline) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  auto child = TRY(spawn_daemon(program, paths.daemon_log(), theirs.get()));
  theirs.reset();
  auto answer = TRY(read_ready(ours.get(), deadline));
  if (answer == "ok\n") {
    pid_t pid = child.pid();
    child.release();
    return pid;
  }
  auto why = std::string(trim(answer));
  if (why.empty()) why = fmt::format("it ended at once with status {}", child.wait().shell_code());
  return fail(ErrorCode::unavailable, fmt::format("the daemon did not start: {}", why),
              why.find("(hint:") == why.npos ? fmt::format("see {}", paths.daemon_log()) : "");
}

Result<> make_state_directories(const host::Paths& paths) {
  auto made = host::make_directories(paths.state, 0700);
  if (made) made = host::make_private_directory(paths.state);
  if (made) made = host::make_private_directory(paths.run());
  if (made) return {};
  auto error = std::move(made).error().in("make the directory of banger's VMs");
  return std::unexpected(std::move(error).with_hint("set HOME or XDG_STATE_HOME to a directory that you can write to"));
}

Result<UniqueFd> connect_until(const std::string& path, SteadyClock::time_point deadline) {
  for (;;) {
    auto socket = host::connect_unix(path);
    if (socket || !nobody_listens(socket.error()) || SteadyClock::now() > deadline) return socket;
    pause();
  }
}

}  // namespace

Result<UniqueFd> find(const host::Paths& paths) { return host::connect_unix(paths.daemon_socket()); }

Result<Connected> connect_or_start(const host::Paths& paths, const DaemonProgram& program) {
  auto socket = find(paths);
  if (socket) return Connected{.socket = std::move(*socket)};
  if (!nobody_listens(socket.error())) return std::unexpected(std::move(socket.error()).in("reach the daemon"));

  auto deadline = SteadyClock::now() + limits::kDaemonStartDeadline;
  TRY(make_state_directories(paths));
  auto lock = TRY(take_start_lock(paths, deadline));
  socket = find(paths);
  if (socket) return Connected{.socket = std::move(*socket)};

  auto pid = start_daemon(program, paths, deadline);
  if (!pid) {
    // Another daemon may hold the instance lock: it starts right now, or it is about to end. So look again, then start
    // once more.
    socket = connect_until(paths.daemon_socket(), SteadyClock::now() + limits::kOtherDaemonGrace);
    if (socket) return Connected{.socket = std::move(*socket)};
    pid = start_daemon(program, paths, deadline);
  }
  if (!pid) return std::unexpected(std::move(pid).error());
  socket = TRY(in("reach the daemon", connect_until(paths.daemon_socket(), deadline)));
  return Connected{.socket = std::move(*socket), .started = *pid};
}

}  // namespace banger::client
