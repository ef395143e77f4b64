// banger vm session show
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/session.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument, kSessionArgument};
constexpr Option kOptions[] = {kJsonOption};

Table table_of(const api::SessionObject& session) {
  Table table;
  table.add({"name", session.name});
  table.add({"id", session.id});
  table.add({"vm", session.vm});
  table.add({"state", session_state(session)});
  if (!session.reason.empty()) table.add({"reason", session.reason});
  table.add({"command", session.command.empty() ? "(default)" : session.command});
  if (!session.cwd.empty()) table.add({"cwd", session.cwd});
  if (!session.user.empty()) table.add({"user", session.user});
  table.add({"stdin", session.stdin_mode});
  if (session.pid) table.add({"pid", std::to_string(session.pid)});
  table.add({"attached", session.attached ? "yes" : "no"});
  table.add({"started", time_of(session.started_at)});
  if (session.ended_at) table.add({"ended", time_of(session.ended_at)});
  return table;
}

Result<int> show(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto session = TRY(daemon.get<api::SessionObject>("vm.session.show", session_params(context)));
  print_object(context, session, table_of(session));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSessionShow;
constinit const Command kSessionShow{
    .group = "vm session",
    .name = "show",
    .summary = "show one session: its state, process, end and times",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = show,
};

}  // namespace banger::roles::cli
