// banger vm session list
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/session.h"
#include "roles/cli/times.h"

namespace banger::roles::cli {

namespace {

constexpr std::string_view kAliases[] = {"ls"};
constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    kIdsOption,
    {.name = "json", .help = "print a JSON array of sessions"},
};

Table table_of(const api::SessionList& list) {
  Table table({"NAME", "ID", "STATE", "PID", "ATTACHED", "AGE", "COMMAND"});
  for (const auto& session : list.sessions)
    table.add({session.name, session.id, session_state(session), session.pid ? std::to_string(session.pid) : "",
               session.attached ? "yes" : "", age_of(session.started_at), session.command});
  return table;
}

Result<int> list(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto list = TRY(daemon.get<api::SessionList>("vm.session.list", {{"vm", context.args.positionals[0]}}));
  print_list(context, list.sessions, &api::SessionObject::id, table_of(list).text(colours_of(context)));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSessionList;
constinit const Command kSessionList{
    .group = "vm session",
    .name = "list",
    .aliases = kAliases,
    .summary = "list the sessions of a VM, also ended ones",
    .details = "The guest keeps the last 64 sessions that have ended.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = list,
};

}  // namespace banger::roles::cli
