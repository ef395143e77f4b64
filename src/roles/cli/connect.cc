#include "roles/cli/connect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/child.h"
#include "host/files.h"
#include "host/unix_socket.h"
#include "roles/cli/progress.h"

namespace banger::roles::cli {

namespace {

using SteadyClock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto kStartDeadline = std::chrono::seconds(10);
constexpr auto kOtherDaemonGrace = milliseconds(300);  // one that holds the lock may not listen yet, or be about to end
constexpr auto kRetry = milliseconds(10);
constexpr std::size_t kReadyBytes = 4096;
constexpr std::uint64_t kStatusMs = 10'000;

bool nobody_listens(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::unavailable;
}

void pause() {
  timespec wait{0, std::chrono::nanoseconds(kRetry).count()};
  ::nanosleep(&wait, nullptr);
}

// CLIs that find no daemon at the same time take turns, so that one starts it and the others find it.
Result<UniqueFd> take_turn(const host::Paths& paths, SteadyClock::time_point deadline) {
  auto lock = TRY(host::open_file(paths.run() + "/start.lock", O_RDWR | O_CREAT, 0600));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(paths.run() + "/start.lock");
    if (SteadyClock::now() > deadline) return fail(ErrorCode::timeout, "another banger is still starting the daemon");
    pause();
  }
  return lock;
}

// What the daemon says on its ready descriptor until it closes it; `timeout` when it says nothing.
Result<std::string> read_ready(int fd, SteadyClock::time_point deadline) {
  std::string text;
  while (text.size() < kReadyBytes) {
    auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now()).count();
    pollfd waiting{fd, POLLIN, 0};
    int ready = ::poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0)));
    if (ready == 0)
      return fail(ErrorCode::timeout,
                  fmt::format("the daemon was not ready after {}", format_duration(kStartDeadline)));
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

Result<host::Child> spawn_daemon(const Io& io, const std::string& log_path, int ready_fd) {
  auto log = TRY(host::open_file(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  host::SpawnSpec spec{.argv = io.daemon_command, .env = io.environment, .cwd = "/"};
  spec.argv.insert(spec.argv.end(), {"--ready-fd", "3"});
  spec.stdout_fd = spec.stderr_fd = log.get();
  spec.extra_fds = {{ready_fd, 3}};
  spec.new_session = true;
  return in("start the daemon", host::spawn(spec));
}

// REQUIRES: our turn. Gives its pid, or why it did not start.
Result<pid_t> start_daemon(const Io& io, const host::Paths& paths, SteadyClock::time_point deadline) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return fail_errno("pipe");
  UniqueFd ours(ends[0]), theirs(ends[1]);
  auto child = TRY(spawn_daemon(io, paths.daemon_log(), theirs.get()));
  theirs.reset();
  auto said = TRY(read_ready(ours.get(), deadline));
  if (said == "ok\n") {
    pid_t pid = child.pid();
    child.release();
    return pid;
  }
  auto why = std::string(trim(said));
  if (why.empty()) why = fmt::format("it ended at once with status {}", child.wait().shell_code());
  return fail(ErrorCode::unavailable, fmt::format("the daemon did not start: {}", safe_text(why)),
              why.find("(hint:") == why.npos ? fmt::format("see {}", paths.daemon_log()) : "");
}

Result<UniqueFd> connect_until(const std::string& path, SteadyClock::time_point deadline) {
  for (;;) {
    auto socket = host::connect_unix(path);
    if (socket || !nobody_listens(socket.error()) || SteadyClock::now() > deadline) return socket;
    pause();
  }
}

void warn_of_other_version(const Io& io, const Json& status) {
  auto version = find_string(status, "version").value_or(std::nullopt).value_or("");
  if (version.empty() || version == BANGER_VERSION) return;
  io.note(fmt::format(
      "the daemon is version {}, this is {} (hint: 'banger daemon stop' makes way for the new one; running VMs go on)",
      safe_text(version), BANGER_VERSION));
}

}  // namespace

Result<Started> connect_or_start(Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  auto socket = host::connect_unix(paths.daemon_socket());
  if (socket) return Started{std::move(*socket), false};
  if (!nobody_listens(socket.error())) return std::unexpected(std::move(socket.error()).in("reach the daemon"));

  auto deadline = SteadyClock::now() + kStartDeadline;
  TRY(host::make_directories(paths.state, 0700));
  TRY(host::make_private_directory(paths.state));
  TRY(host::make_private_directory(paths.run()));
  auto turn = TRY(take_turn(paths, deadline));
  socket = host::connect_unix(paths.daemon_socket());
  if (socket) return Started{std::move(*socket), false};

  auto pid = start_daemon(io, paths, deadline);
  if (!pid) {
    // One that was started by other means, or is on its way out, may hold the lock: look again, then try once more.
    socket = connect_until(paths.daemon_socket(), SteadyClock::now() + kOtherDaemonGrace);
    if (socket) return Started{std::move(*socket), false};
    pid = start_daemon(io, paths, deadline);
  }
  if (!pid) return std::unexpected(std::move(pid).error());
  io.note(fmt::format("started the daemon (pid {})", *pid));
  return Started{TRY(in("reach the daemon", connect_until(paths.daemon_socket(), deadline))), true};
}

Result<Daemon> Daemon::connect(Io& io) {
  auto signals = TRY(Signals::interrupts());
  auto started = TRY(connect_or_start(io));
  Daemon daemon(io, std::move(signals), std::move(started.socket));
  if (!started.by_us) warn_of_other_version(io, TRY(daemon.call_within("daemon.status", Json::object(), kStatusMs)));
  return daemon;
}

Result<Daemon> Daemon::find(Io& io) {
  auto paths = TRY(host::find_paths(io.env));
  auto signals = TRY(Signals::interrupts());
  auto socket = TRY(host::connect_unix(paths.daemon_socket()));
  return Daemon(io, std::move(signals), std::move(socket));
}

Result<Json> Daemon::call(std::string_view method, const Json& params) {
  Progress progress(*io_);
  return client_.call(method, params, progress.callback(), signals_.fd());
}

Result<Json> Daemon::call_within(std::string_view method, const Json& params, std::uint64_t milliseconds) {
  auto timer = TRY(timer_after(milliseconds));
  auto result = client_.call(method, params, {}, timer.get());
  if (!result && result.error().code == ErrorCode::cancelled)
    return fail(ErrorCode::timeout,
                fmt::format("the daemon did not answer {} within {}", method,
                            format_duration(std::chrono::milliseconds(milliseconds))),
                "see 'banger daemon logs'");
  return result;
}

Result<rpc::Client::RawStream> Daemon::open_stream(std::string_view method, const Json& params) {
  Progress progress(*io_);
  return std::move(client_).open_stream(method, params, progress.callback(), signals_.fd());
}

}  // namespace banger::roles::cli
