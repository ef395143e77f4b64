// banger vm shell
#include "roles/cli/arguments.h"
#include "roles/cli/guest_command.h"

namespace banger::roles::cli {

namespace {

constexpr Positional kPositionals[] = {kVmArgument};
constexpr Option kOptions[] = {kUserOption, kWorkdirOption, kEnvOption, kEnvFileOption};

Result<int> shell(Context& context) {
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
    .details = "On a terminal, the shell has a terminal in the guest. Otherwise it reads commands from standard input.",
    .positionals = kPositionals,
    .options = kOptions,
    .handler = shell,
};

}  // namespace banger::roles::cli
