// banger vm session kill
#include <nlohmann/json.hpp>

#include "roles/cli/arguments.h"
#include "roles/cli/connect.h"
#include "roles/cli/output.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument, kLiveSessionArgument};
constexpr Option kOptions[] = {kQuietOption, kJsonOption};

Result<int> kill(Context& context) {
  auto daemon = TRY(Daemon::connect(context.io));
  auto session = TRY(daemon.get<api::SessionObject>("vm.session.kill", session_params(context)));
  print_new(context, session, session.id, session_line(session));
  return exit_status::kOk;
}

}  // namespace

extern const Command kSessionKill;
constinit const Command kSessionKill{
    .group = "vm session",
    .name = "kill",
    .summary = "end a session at once, with all its processes",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = kill,
};

}  // namespace banger::roles::cli
