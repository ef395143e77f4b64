// banger vm shell
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "api/objects/session.h"
#include "api/objects/vm.h"
#include "roles/cli/arguments.h"
#include "roles/cli/guest_command.h"
#include "roles/cli/session.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {
    kUserOption,
    kWorkdirOption,
    kEnvOption,
    kEnvFileOption,
    {.name = "session",
     .kind = Kind::text,
     .value = "NAME",
     .help = "a shell that you can leave with the detach keys and come back to; starts it if it does not run"},
    kDetachKeysOption,
};

// Whether the session runs. Of all failures, only that it does not exist is expected.
Result<bool> is_running(Daemon& daemon, const Json& params) {
  auto session = daemon.get<api::SessionObject>("vm.session.show", params);
  if (session) return session->state == "running";
  if (session.error().code == ErrorCode::not_found) return false;
  return std::unexpected(std::move(session).error());
}

Result<int> session_shell(Context& context, const std::string& name) {
  const auto& args = context.args;
  if (!::isatty(context.io.in))
    return fail(ErrorCode::unsupported, "--session needs a terminal, but standard input is not one",
                "use 'banger vm session start' and 'send'");
  auto vm = args.positionals[0];
  auto daemon = TRY(Daemon::connect(context.io));
  (void)TRY(daemon.get<api::VmObject>("vm.show", {{"vm", vm}}));
  if (!TRY(is_running(daemon, {{"vm", vm}, {"session", name}}))) {
    Json params = TRY(start_params(context, vm));
    params["name"] = name;
    add_terminal(context, params);
    (void)TRY(daemon.get<api::SessionObject>("vm.session.start", params));
  }
  auto keys = args.text("detach-keys").value_or(std::string(kDetachKeysDefault));
  return attach_to_session(context, daemon, {.vm = vm, .session = name, .detach_keys = std::move(keys)});
}

Result<int> shell(Context& context) {
  if (auto name = context.args.text("session")) return session_shell(context, *name);
  auto command = TRY(guest_command(context, context.args.positionals[0]));
  auto daemon = TRY(Daemon::connect(context.io));
  return run_in_guest(context.io, daemon, command);
}

}  // namespace

extern const Command kVmShell;
constinit const Command kVmShell{
    .group = "vm",
    .name = "shell",
    .summary = "open a login shell in a running VM",
    .details =
        "On a terminal, the shell has a terminal in the guest. Otherwise it reads commands from standard input.\n"
        "With --session the shell is a session (see 'banger vm session start --help'): it goes on when you leave it "
        "with ctrl-p ctrl-q or lose the connection, and the same command brings you back.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = shell,
};

}  // namespace banger::roles::cli
