// banger daemon status
#include <nlohmann/json.hpp>

#include "roles/cli/command.h"
#include "roles/cli/connect.h"
#include "roles/cli/fields.h"
#include "roles/cli/store_views.h"
#include "roles/cli/table.h"

namespace banger::roles::cli {

namespace {

constexpr Option kOptions[] = {kJsonOption};

std::string people_text(const Json& status, bool colour) {
  Table table;
  for (auto field : {"version", "pid"}) table.add({field, text_of(status, field)});
  table.add({"started", time_of(number_of(status, "started_at"))});
  table.add({"VMs running", text_of(status, "vms_running")});
  table.add({"memory", size_of(status, "resident_bytes")});
  for (auto field : {"socket", "log", "state"}) table.add({field, text_of(status, field)});
  for (const auto& what : list_of(status, "recovered"))
    if (what.is_string()) table.add({"recovered", what.get<std::string>()});
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
  io.print(json ? dump_json_pretty(status) + "\n" : people_text(status, io.colour(io.out)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kDaemonStatus;
constinit const Command kDaemonStatus{
    .group = "daemon",
    .name = "status",
    .summary = "tell whether the daemon runs, and what it holds",
    .details = "It never starts one: the status is 1 when none runs.",
    .options = kOptions,
    .handler = run,
};

}  // namespace banger::roles::cli
