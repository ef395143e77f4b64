// banger vm session stop
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument, kLiveSessionArgument};
constexpr Option kOptions[] = {
    {.name = "timeout",
     .kind = Kind::duration,
     .value = "TIME",
     .help = "how long the command may take before it is killed, like 30s (default: 10s)"},
    kQuietOption,
    kJsonOption,
};

Result<int> stop(Context& context) {
  auto params = session_params(context);
  if (auto timeout = context.args.number("timeout")) params["timeout_ms"] = *timeout;
  auto daemon = TRY(Daemon::connect(context.io));
  auto session = TRY(daemon.get<api::SessionObject>("vm.session.stop", params));
  print_new(context, session, session.id, session_line(session));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSessionStop;
constinit const Command kSessionStop{
    .group = "vm session",
    .name = "stop",
    .summary = "end a session with SIGTERM, and kill it if it goes on",
    .details = "A session with a terminal also gets SIGHUP, because interactive shells ignore SIGTERM.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = stop,
};

}  // namespace banger::roles::cli
