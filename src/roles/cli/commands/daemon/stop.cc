// banger daemon stop
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "base/text.h"
#include "host/child.h"
#include "roles/cli/bounds.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

namespace {

// Waits for the end of the process, because the process holds the instance lock until then. The socket is no proof: a
// newer daemon may answer on it.
Result<> wait_until_gone(int process, const Signals& signals) {
  pollfd waiting[2] = {{process, POLLIN, 0}, {signals.fd(), POLLIN, 0}};
  int ready = ::poll(waiting, 2, static_cast<int>(std::chrono::milliseconds(limits::kDaemonStopDeadline).count()));
  if (ready < 0) return fail_errno("wait for the daemon's end");
  if (ready == 0)
    return fail(ErrorCode::timeout,
                fmt::format("the daemon still runs after {}", format_duration(limits::kDaemonStopDeadline)),
                "see 'banger daemon logs'");
  return waiting[1].revents ? fail(ErrorCode::cancelled, "interrupted") : Result<>();
}

Result<UniqueFd> daemon_process(Daemon& daemon) {
  auto status = TRY(daemon.get_within<api::DaemonStatus>("daemon.status", limits::kStatusDeadline));
  auto id = TRY(host::process_id(static_cast<pid_t>(status.pid)));
  return host::open_process(id);
}

Result<int> run(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::find(io));
  if (!daemon) {
    io.print("bangerd is not running\n");
    return exit_status::kOk;
  }
  auto process = TRY(in("find the daemon's process", daemon_process(*daemon)));
  TRY(daemon->call_within("daemon.stop", limits::kDaemonStopDeadline));
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
