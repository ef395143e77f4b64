// banger daemon status
#include <nlohmann/json.hpp>

#include "api/objects/host.h"
#include "base/text.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {kJsonOption};

Table table_of(const api::DaemonStatus& status) {
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
  return table;
}

Result<int> run(Context& context) {
  auto daemon = TRY(Daemon::find(context.io));
  if (!daemon) {
    context.io.print(form_of(context.args) == Form::json ? "null\n" : "bangerd is not running\n");
    return exit_status::kNo;
  }
  auto status = TRY(daemon->get<api::DaemonStatus>("daemon.status"));
  print_object(context, status, table_of(status));
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
