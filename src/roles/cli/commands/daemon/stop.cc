// banger daemon stop
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "host/child.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

namespace {

constexpr std::uint64_t kAnswerMs = 30'000;
constexpr auto kGoneDeadline = std::chrono::seconds(30);

// Waits for the end of the process, because the process holds the instance lock until then. The socket is no proof: a
// newer daemon may answer on it.
Result<> wait_until_gone(int process, const Signals& signals) {
  pollfd waiting[2] = {{process, POLLIN, 0}, {signals.fd(), POLLIN, 0}};
  int ready = ::poll(waiting, 2, static_cast<int>(std::chrono::milliseconds(kGoneDeadline).count()));
  if (ready < 0) return fail_errno("wait for the daemon's end");
  if (ready == 0)
    return fail(ErrorCode::timeout, fmt::format("the daemon still runs after {}", format_duration(kGoneDeadline)),
                "see 'banger daemon logs'");
  return waiting[1].revents ? fail(ErrorCode::cancelled, "interrupted") : Result<>();
}

Result<UniqueFd> daemon_process(Daemon& daemon) {
  auto status = TRY(daemon.call_within("daemon.status", Json::object(), kAnswerMs));
  auto pid = TRY(get_int(status, "pid"));
  auto id = TRY(host::process_id(static_cast<pid_t>(pid)));
  return host::open_process(id);
}

Result<int> run(Context& context) {
  auto& io = context.io;
  auto daemon = Daemon::find(io);
  if (!daemon && (daemon.error().code == ErrorCode::not_found || daemon.error().code == ErrorCode::unavailable)) {
    io.print("bangerd is not running\n");
    return exit_status::kOk;
  }
  if (!daemon) return std::unexpected(std::move(daemon).error());
  auto process = TRY(in("find the daemon's process", daemon_process(*daemon)));
  TRY(daemon->call_within("daemon.stop", Json::object(), kAnswerMs));
  TRY(wait_until_gone(process.get(), daemon->signals()));
  io.print("bangerd has stopped\n");
  return exit_status::kOk;
}

}  // namespace

extern const Command kDaemonStop;
constinit const Command kDaemonStop{
    .group = "daemon",
    .name = "stop",
    .summary = "stop the daemon; running VMs go on",
    .details = "The next daemon manages the same VMs.",
    .handler = run,
};

}  // namespace banger::roles::cli
