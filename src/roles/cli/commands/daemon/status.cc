// banger daemon status
#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "base/text.h"
#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/store_views.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {kJsonOption};

std::string table_text(const api::DaemonStatus& status, bool colour) {
  Table table;
  table.add({"version", status.version});
  table.add({"pid", std::to_string(status.pid)});
  table.add({"started", time_of(status.started_at)});
  table.add({"VMs running", std::to_string(status.vms_running)});
  table.add({"memory", format_size(status.resident_bytes)});
  table.add({"socket", status.socket});
  table.add({"log", status.log});
  table.add({"state", status.state});
  for (const auto& what : status.recovered) table.add({"recovered", what});
  return table.text(colour);
}

Result<int> run(Context& context) {
  auto& io = context.io;
  bool json = context.args.flag("json");
  auto daemon = Daemon::find(io);
  if (!daemon && (daemon.error().code == ErrorCode::not_found || daemon.error().code == ErrorCode::unavailable)) {
    io.print(json ? "null\n" : "bangerd is not running\n");
    return exit_status::kNo;
  }
  if (!daemon) return std::unexpected(std::move(daemon).error());
  auto status = TRY(daemon->call("daemon.status", Json::object()));
  io.print(json ? dump_json_pretty(status) + "\n"
                : table_text(TRY(api::read<api::DaemonStatus>(status)), io.colour(io.out)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kDaemonStatus;
constinit const Command kDaemonStatus{
    .group = "daemon",
    .name = "status",
    .summary = "show whether the daemon runs, and its state",
    .details = "This command never starts a daemon. The exit status is 1 when no daemon runs.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
