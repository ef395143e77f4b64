// The composition root of bangerd-net: take the lock, make the network, then keep its two processes alive.
#include "roles/network/network.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "host/files.h"
#include "host/run_tool.h"
#include "host/runtime.h"
#include "host/stop_signals.h"
#include "host/ulimits.h"
#include "roles/network/bounds.h"
#include "roles/network/options.h"
#include "roles/network/server.h"
#include "roles/network/way_out.h"

namespace banger::roles::network {

namespace {

Result<UniqueFd> take_lock(const std::string& path) {
  auto lock = TRY(host::open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
    return errno == EWOULDBLOCK ? fail(ErrorCode::exists, "another network keeper runs") : fail_errno(path);
  // The numbers of an earlier keeper name other processes by now.
  if (::ftruncate(lock.get(), 0) < 0) return fail_errno(path);
  return lock;
}

Result<std::string> find_pasta() {
  if (auto path = host::find_program("pasta", host::kSystemPath)) return *path;
  return fail(ErrorCode::unavailable, "pasta is not installed, which is the way out of a private network",
              "apt install passt");
}

class Keeper {
 public:
  Keeper(Options options, UniqueFd lock, std::string pasta, const Logger& log)
      : options_(std::move(options)), lock_(std::move(lock)), pasta_(std::move(pasta)), log_(log) {}

  /// Returns when the network is there and its server listens.
  Result<> begin() {
    stop_ = TRY(host::stop_signals());
    server_ = TRY(start_server(options_, options_.network ? &*options_.network : nullptr, log_));
    network_ = TRY(host::namespaces_of(server_.pid()));
    TRY(note_processes());
    start_way_out();
    return {};
  }

  /// Returns at SIGTERM, or when the server cannot start again.
  Result<> keep() {
    for (;;) {
      pollfd waiting[3] = {{stop_.get(), POLLIN, 0},
                           {server_.pidfd(), POLLIN, 0},
                           {way_out_ ? way_out_.pidfd() : -1, POLLIN, 0}};  // poll() passes -1 over
      if (::poll(waiting, 3, timeout_ms()) < 0 && errno != EINTR) return fail_errno("wait for an end");
      if (waiting[0].revents) return {};
      if (server_.poll()) TRY(start_server_again());
      if (way_out_ && way_out_.poll()) note_end();
      if (!way_out_ && host::Clock::now() >= try_at_) start_way_out();
    }
  }

 private:
  int timeout_ms() const {
    if (way_out_) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(try_at_ - host::Clock::now());
    return static_cast<int>(std::max<long>(left.count(), 0));
  }

  // The daemon finds the network by the server.
  Result<> note_processes() const {
    auto text = fmt::format("{} {}\n", ::getpid(), server_.pid());
    if (::ftruncate(lock_.get(), 0) < 0 || ::pwrite(lock_.get(), text.data(), text.size(), 0) < 0)
      return fail_errno(options_.lock);
    return {};
  }

  Result<> start_server_again() {
    log_.warn("network.server_ended");
    server_ = TRY(start_server(options_, &network_, log_));
    TRY(note_processes());
    // pasta belongs to the process that it was started with.
    way_out_ = {};
    start_way_out();
    return {};
  }

  void note_end() {
    auto pause = pace_.pause(host::Clock::now());
    try_at_ = host::Clock::now() + pause;
    log_.warn("network.way_out_ended", {{"code", fmt::format("{}", way_out_.wait().shell_code())}});
    way_out_ = {};
  }

  // Without a way out the guests still reach each other. So a failure is only tried again.
  void start_way_out() {
    host::SpawnSpec spec{.argv = pasta_command(pasta_, server_.pid(), ::geteuid()),
                         .env = {std::string("PATH=") + host::kSystemPath, "LC_ALL=C"},
                         .cwd = "/"};
    spec.stderr_fd = STDERR_FILENO;
    spec.dies_with_starter = true;
    auto started = host::spawn(spec);
    pace_.started(host::Clock::now());
    if (started) {
      way_out_ = std::move(*started);
      return;
    }
    try_at_ = host::Clock::now() + pace_.pause(host::Clock::now());
    log_.warn("network.no_way_out", {{"error", started.error().sentence()}});
  }

  const Options options_;
  const UniqueFd lock_;
  const std::string pasta_;
  const Logger& log_;
  UniqueFd stop_;
  host::Namespaces network_;
  host::Child server_, way_out_;
  RestartPace pace_;
  host::Deadline try_at_{};
};

Result<> run_keeper(Options options, const Logger& log) {
  auto ready = std::move(options.ready);
  auto socket = options.socket;
  auto lock = take_lock(options.lock);
  auto pasta = lock ? find_pasta() : std::unexpected(lock.error());
  std::optional<Keeper> keeper;
  if (pasta) keeper.emplace(std::move(options), std::move(*lock), std::move(*pasta), log);
  auto begun = keeper ? keeper->begin() : std::unexpected(pasta.error());
  (void)host::write_all(ready.get(), begun ? "ok\n" : begun.error().sentence() + "\n");
  ready.reset();
  if (!begun) return begun;
  auto kept = keeper->keep();
  (void)host::remove_file(socket);
  return kept;
}

}  // namespace

int run(int argc, char** argv) {
  host::raise_limits();
  ::signal(SIGPIPE, SIG_IGN);
  Logger log(STDERR_FILENO);
  auto options = parse_options(std::span(argv + 1, static_cast<std::size_t>(argc - 1)));
  bool understood = options.has_value();
  auto done = understood ? run_keeper(std::move(*options), log) : std::unexpected(options.error());
  if (done) return 0;
  log.error("network.failed", {{"error", done.error().sentence()}});
  return understood ? 125 : 2;
}

}  // namespace banger::roles::network
