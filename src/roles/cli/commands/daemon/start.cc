// banger daemon start
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"

namespace banger::roles::cli {

namespace {

Result<int> run(Context& context) {
  auto& io = context.io;
  auto daemon = TRY(Daemon::connect(io));
  auto status = TRY(daemon.get<api::DaemonStatus>("daemon.status"));
  io.print(fmt::format("bangerd is running (pid {})\n", status.pid));
  return exit_status::kOk;
}

}  // namespace

extern const Command kDaemonStart;
constinit const Command kDaemonStart{
    .group = "daemon",
    .name = "start",
    .summary = "start the daemon if none runs",
    .details = "Commands that need the daemon start it by themselves.",
    .handler = run,
};

}  // namespace banger::roles::cli
